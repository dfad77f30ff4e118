"""An embedder of the public test double."""

from __future__ import annotations

import pytest

from embedder.embedder import Embedder, open_embedder
from embedder.hash_engine import HashEngine


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """Shared words give a higher cosine; nothing is loaded."""
    return open_embedder(method="mean", engine=HashEngine())
