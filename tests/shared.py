"""Where the larger test data is, for the tests and benchmarks that use it where it is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TWOFOLD_SHARED") or Path(__file__).resolve().parents[2] / "shared")

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(),
    reason=f"no test data at {SHARED}: set TWOFOLD_SHARED to a folder that holds data/eval and data/documents",
)
