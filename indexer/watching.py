"""Keep a collection up to date with a folder: events where the system sends them, a rescan where it does not."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from indexer.collection import Collection
from indexer.lock import Busy
from indexer.records import Progress
from indexer.scan import whole

if TYPE_CHECKING:
    from embedder.embedder import Embedder

QUIET_SECONDS = 1.0  # no event for so long: the copying or saving has ended
RESCAN_SECONDS = 300.0  # network drives send no events


def watch(
    collection: Collection, folder: Path, embedders: Sequence["Embedder"], stop: Event, *, prune: bool = False,
    rescan_s: float = RESCAN_SECONDS, **options: Any,
) -> Iterator[Progress]:  # fmt: skip
    """Ingest now and after every change until `stop` is set; each round ends with a Progress that carries its report.

    The writer's lock is held only while something is ingested; while another writer has it, a round waits.
    """
    changed = Event()
    observer = _observe(whole(folder), changed)
    try:
        while not stop.is_set():
            changed.clear()
            try:
                yield from collection.ingest(folder, embedders, prune=prune, stop=stop, **options)
            except Busy:
                changed.set()
                stop.wait(QUIET_SECONDS)
            _wait(changed, stop, rescan_s)
    finally:
        observer.stop()
        observer.join()


def _observe(folder: Path, changed: Event) -> Any:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class Notice(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type not in ("opened", "closed_no_write"):  # our own reading is no change
                changed.set()

    observer = Observer()
    observer.schedule(Notice(), str(folder), recursive=True)
    observer.start()
    return observer


def _wait(changed: Event, stop: Event, rescan_s: float) -> None:
    """Until something changed and all is quiet again, the rescan is due, or the stop."""
    due = time.monotonic() + rescan_s
    while not stop.is_set() and time.monotonic() < due and not changed.wait(0.2):
        pass
    while changed.is_set() and not stop.is_set():
        changed.clear()
        if not changed.wait(QUIET_SECONDS):
            return
