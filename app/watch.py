"""Tells when a folder may have changed. Knows nothing of what is done about it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

QUIET_S = 1.0  # a file is often written in several goes: wait until nothing has happened for so long
AT_MOST_S = 30.0  # but not for ever, in a folder where something always happens
RESCAN_S = 300.0  # disks over a network announce nothing
TOUCHING = frozenset({"opened", "closed_no_write"})  # reading a file is no change, and we read them ourselves


class _Bell(FileSystemEventHandler):
    def __init__(self) -> None:
        self.rung = threading.Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in TOUCHING:
            self.rung.set()


def changes(
    folder: Path, stop: threading.Event, *, quiet_s: float = QUIET_S, rescan_s: float = RESCAN_S
) -> Iterator[None]:
    """One step at once, one for each burst of changes, and one every `rescan_s` seconds, until `stop` is set.

    The first is for what changed before the watch began, so that nothing falls between a reading and its watch.
    """
    bell = _Bell()
    observer = Observer()
    observer.schedule(bell, str(folder if folder.is_dir() else folder.parent), recursive=folder.is_dir())
    observer.start()
    try:
        while not stop.is_set():
            yield
            if _wait(bell.rung, stop, rescan_s):
                _settle(bell.rung, stop, quiet_s)
    finally:
        observer.stop()
        observer.join()


def _wait(rung: threading.Event, stop: threading.Event, seconds: float) -> bool:
    """Wait for a change; whether there was one. Looks up now and then, since `stop` rings no bell."""
    while seconds > 0 and not stop.is_set():
        if rung.wait(min(0.2, seconds)):
            return True
        seconds -= 0.2
    return False


def _settle(rung: threading.Event, stop: threading.Event, quiet_s: float) -> None:
    left = AT_MOST_S
    while left > 0 and not stop.is_set():
        rung.clear()
        if not rung.wait(quiet_s):
            return
        left -= quiet_s
