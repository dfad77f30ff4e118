"""How Ctrl-C ends long work: gently at first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """The first Ctrl-C asks to stop after the batch under way; the second stops at once."""
    from app.commands.output import say

    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def asked(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        say("stopping after this batch; Ctrl-C again stops at once")

    signal.signal(signal.SIGINT, asked)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
