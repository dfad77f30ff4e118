"""Work in the background as a job row: begun, told how far it is, heard whether to stop, ended. Knows no page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer import jobs as rows
from indexer.evaluate import Stopped

if TYPE_CHECKING:
    from indexer import Collection


@dataclass(slots=True)
class Told:
    """A job called `name`, `done` of whose `total` parts are finished; `telling` has what it is at while it runs."""

    collection: Collection
    kind: str
    name: str
    total: int
    telling: dict[str, str]
    stop: threading.Event | None = None
    done: int = 0
    job: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """The job's row from begin to end; work that was asked to stop just ends here."""
        with self.collection.catalogue.write() as connection:
            self.job = rows.create(connection, self.kind, self.name, total=self.total)
        with rows.ending(self._close, quits=(Stopped,)):
            yield

    def beat(self, text: str, *, ahead: int = 0) -> None:
        """Tell what it is at, `ahead` parts beyond the finished ones; Stopped is raised where it is wanted to end."""
        self.telling[self.name] = text
        with self.collection.catalogue.write() as connection:
            asked = rows.beat(connection, self.job, done=self.done + ahead)
        if self.stop is not None and asked:
            self.stop.set()  # what works for it elsewhere hears it too
        if asked or (self.stop is not None and self.stop.is_set()):
            raise Stopped(f"{self.name}: stopped")

    def _close(self, state: str, error: str) -> None:
        self.telling.pop(self.name, None)
        with self.collection.catalogue.write() as connection:
            rows.beat(connection, self.job, done=self.done)
            rows.end(connection, self.job, state, error=error)
