"""Every test runs without a network, without a hub, and far from the reader's own collections."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"  # tests fork readers; a tokenizer's thread pool does not survive a fork
os.environ.setdefault("OMP_NUM_THREADS", "1")
for _name in [name for name in os.environ if name.startswith("TWOFOLD_") and name != "TWOFOLD_SHARED"]:
    del os.environ[_name]


def is_local(address: Any) -> bool:
    """Whether a socket address stays on this machine: a path, localhost, or a loopback number."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """A connection that would leave this machine fails loudly."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, real: Any = real) -> Any:
            if not is_local(address):
                raise RuntimeError(f"a test tried to reach {address!r}: tests stay on this machine")
            return real(self, address)

        patch.setattr(socket.socket, name, guarded)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, so that no test meets a real collection."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TWOFOLD_HOME", str(home))
    return home
