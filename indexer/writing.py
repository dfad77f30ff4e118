"""The last part of an ingestion, a thread of its own: one transaction for each file, so that none is half there."""

import os
import threading
import time
from collections.abc import Callable

from indexer import jobs, store
from indexer.belt import Belt
from indexer.catalogue import Catalogue
from indexer.embedding import Work
from indexer.reading import Failed, Fresh, Item, Known
from indexer.records import Failure, Report
from indexer.store import Key, Met

BEHIND = 4_000_000  # characters embedded and not yet written
PULSE = 0.5  # seconds between two looks at the job's row

Say = Callable[[], tuple[int, int]]


class Writing:
    """Writes works in the order they come, and counts in the report what was committed."""

    def __init__(self, catalogue: Catalogue, report: Report, known: set[str], gone: set[str], job: int) -> None:
        """`known` paths were there before; `gone` ones have left the folder (content found again is a move)."""
        self.catalogue, self.report, self.known, self.gone, self.job = catalogue, report, known, gone, job
        self.moved: set[str] = set()
        self.again: list[Met] = []
        self.done = 0
        self.cancelled = False
        self.belt: Belt[Work] = Belt(BEHIND)
        self._reasons: dict[Key, tuple[str, bool]] = {}
        self._pulse = time.monotonic()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="twofold-writing", daemon=True)

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def put(self, work: Work) -> None:
        """Hand over a complete work; raises what stopped the writer, if something did."""
        if self._error is not None:
            raise self._error
        self.belt.put(work, len(work.item.loaded.text) if isinstance(work.item, Fresh) else 1000)

    def finish(self) -> None:
        """Wait until all that was handed over is committed."""
        self.belt.end()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for work in self.belt:
                self._write(work)
                self.done += 1
                self.beat()
        except BaseException as error:
            self._error = error
            self.belt.drop()

    def beat(self, *, total: int = 0) -> None:
        """Keep the job's row fresh, and see whether somebody asked to stop."""
        if total or time.monotonic() - self._pulse > PULSE:
            self._pulse = time.monotonic()
            with self.catalogue.write() as connection:
                self.cancelled |= jobs.beat(connection, self.job, done=self.done, total=total, pid=os.getpid())

    def _write(self, work: Work) -> None:
        item: Item = work.item
        if isinstance(item, Fresh) and work.reason:
            item = Failed(item.met, work.reason, lasting=True, key=item.key)
        if isinstance(item, Fresh):
            self._fresh(item, work)
        elif isinstance(item, Known):
            self._known(item)
        else:
            self._failed(item)

    def _fresh(self, item: Fresh, work: Work) -> None:
        with self.catalogue.write() as connection:
            document = store.find(connection, item.key)
            if document is None:
                document = store.add_document(connection, item.key, item.loaded, item.chunks, work.whole())
            store.point(connection, item.met, document)
        files = self.report.files
        if item.met.path in self.known:
            files.updated += 1
        else:
            files.added += 1
        self.report.chunks += len(item.chunks)
        self.report.tokens += sum(chunk.tokens for chunk in item.chunks)
        self.report.truncated += work.truncated
        self.report.notes += [f"{item.met.path}: {note}" for note in item.loaded.notes]

    def _known(self, item: Known) -> None:
        with self.catalogue.write() as connection:
            document = store.find(connection, item.key)
            before = store.held(connection, item.met.path)
            others = store.holders(connection, document) if document is not None else set()
            if document is not None and before == document:
                store.touch(connection, item.met)
            elif document is not None:
                store.point(connection, item.met, document)
        if document is None and item.key in self._reasons:
            self._failed(Failed(item.met, *self._reasons[item.key]))
        elif document is None:  # the path that held it has just been given other content: this file is read after all
            self.again.append(item.met)
            self.done -= 1
        else:
            self._count(item.met.path, before == document, others)

    def _count(self, path: str, same: bool, others: set[str]) -> None:
        files = self.report.files
        left = (others & self.gone) - self.moved
        if same:
            files.unchanged += 1
        elif path in self.known:
            files.updated += 1
        elif left and not others - self.gone:
            self.moved.add(min(left))
            files.updated += 1
        else:
            files.duplicates += 1

    def _failed(self, item: Failed) -> None:
        if item.key is not None:
            self._reasons[item.key] = (item.reason, item.lasting)
        with self.catalogue.write() as connection:
            store.fail(connection, item.met, item.reason, lasting=item.lasting)
        self.report.files.failed += 1
        self.report.failures.append(Failure(item.met.path, item.reason))
