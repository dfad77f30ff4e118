"""Ingest a folder: scan | read | embed | write, as three threads with bounded belts between them; yields Progress.

The engine works in the caller's thread, so a caller that stops asking stops the work. Knows no screen and no search.
"""

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer import jobs, store
from indexer.catalogue import Catalogue
from indexer.embedding import Embedding
from indexer.reading import Cut, Reading
from indexer.records import Failure, Progress, Report
from indexer.scan import Scan, scan, stored
from indexer.store import Met
from indexer.writing import Writing

if TYPE_CHECKING:
    from embedder.embedder import Embedder

RACY_NS = (
    2_000_000_000  # a file written this shortly before it was looked at may have changed since, unseen by its clock
)


@dataclass(slots=True)
class Plan:
    """What a scan means for the catalogue: `work` is to be opened, `gone` paths have left the folder."""

    scan: Scan
    work: list[Met] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    again: list[Failure] = field(default_factory=list)
    unchanged: int = 0


class Ingestion:
    """One run over one folder. Whoever iterates holds the collection's writer lock."""

    def __init__(
        self, catalogue: Catalogue, name: str, root: Path, *, prune: bool = False, stop: Event | None = None
    ) -> None:
        """`prune` forgets documents even where the whole folder is empty or gone."""
        self.catalogue, self.root, self.prune = catalogue, root, prune
        self.stop = stop or Event()
        self.report = Report(name)
        self.started = time.monotonic()
        self.moved: set[str] = set()

    def run(self, embedders: Mapping[int, "Embedder"], embedding: Embedding, cutter: Cut) -> Generator[Progress]:
        """Do it all; the last Progress carries the report.

        Closing the iterator early loses nothing that was finished.
        """
        plan = self._plan()
        with self.catalogue.write() as connection:
            job = jobs.create(connection, "ingest", str(self.root), total=len(plan.scan.files))
        with jobs.ending(partial(self._close, plan, job), self.report):
            yield from self._through(plan, embedding, cutter, job)
            self._remove(plan)
        yield self._progress(plan, embedding, len(plan.scan.files), report=self.report)

    def _plan(self) -> Plan:
        try:
            found = scan(self.root)
        except FileNotFoundError:
            if not self.prune:
                raise
            found = Scan(self.root)
        plan = Plan(found)
        with self.catalogue.read() as connection:
            known = under(connection, c.path, self.root)
            failed = under(connection, c.failure, self.root)
        for met in found.files:
            self._sort(plan, met, known.get(met.path), failed.get(met.path))
        plan.known = set(known)
        here = {met.path for met in found.files} | {met.path for met, _ in found.broken}
        plan.gone = {path for path in known if path not in here and not _inside(path, found.unlisted)}
        plan.lost = [path for path in failed if path not in here and not _inside(path, found.unlisted)]
        self.report.files.skipped = found.skipped
        self.report.notes += [f"{folder}: this folder cannot be looked into" for folder in found.unlisted]
        return plan

    def _sort(self, plan: Plan, met: Met, known: Any, failed: Any) -> None:
        if failed is not None and failed.lasting and _same(met, failed):
            plan.again.append(Failure(met.path, failed.reason, failed.at))
        elif known is not None and failed is None and _same(met, known) and known.mtime_ns < known.seen_ns - RACY_NS:
            plan.unchanged += 1
        else:
            plan.work.append(met)

    def _through(self, plan: Plan, embedding: Embedding, cutter: Cut, job: int) -> Iterator[Progress]:
        files = self.report.files
        files.unchanged, files.failed = plan.unchanged, len(plan.again)
        self.report.failures += plan.again
        done = plan.unchanged + len(plan.again)
        work = sorted(plan.work, key=lambda met: met.path in plan.known)  # a moved file is met before its old place
        while work and not self.report.stopped:
            writing = Writing(self.catalogue, self.report, plan.known, plan.gone, job)
            writing.done, writing.moved = done, self.moved
            yield from self._pass(plan, work, embedding, cutter, writing)
            done, work = writing.done, writing.again if len(writing.again) < len(work) else []

    def _pass(
        self, plan: Plan, work: list[Met], embedding: Embedding, cutter: Cut, writing: Writing
    ) -> Iterator[Progress]:
        reading = Reading(self.catalogue, work, plan.scan.real, cutter)
        reading.start()
        writing.start()
        try:
            for done in embedding.batches(reading.belt):
                for one in done:
                    writing.put(one)
                yield self._progress(plan, embedding, writing.done)
                writing.beat()  # one long file must not keep a wish to stop waiting
                if self.stop.is_set() or writing.cancelled:
                    self.report.stopped = True
                    break
        finally:
            reading.stop()
            writing.finish()

    def _remove(self, plan: Plan) -> None:
        if self.report.stopped:
            return
        for met, reason in plan.scan.broken:
            with self.catalogue.write() as connection:
                store.fail(connection, met, reason, lasting=False)
            self.report.files.failed += 1
            self.report.failures.append(Failure(met.path, reason))
        if plan.gone and plan.scan.empty and not self.prune:
            text = f"{self.root} is empty or not mounted: its {len(plan.gone)} documents were kept (prune forgets them)"
            self.report.notes.append(text)
            return
        for path in sorted(plan.gone):
            with self.catalogue.write() as connection:
                store.forget(connection, path, erase=True)
        self.report.files.removed = len(plan.gone - self.moved)
        with self.catalogue.write() as connection:
            store.forget_failures(connection, plan.lost)
            note = upsert(c.folder).values(path=stored(self.root), scanned=c.now())
            connection.execute(note.on_conflict_do_update(index_elements=["path"], set_={"scanned": c.now()}))

    def _close(self, plan: Plan, job: int, state: str, error: str) -> None:
        self.report.seconds = time.monotonic() - self.started
        done = self.report.files.met - self.report.files.skipped
        with self.catalogue.write() as connection:
            jobs.beat(connection, job, done=done, total=len(plan.scan.files))
            jobs.end(connection, job, state, error=error, details=self.report.json())

    def _progress(self, plan: Plan, embedding: Embedding, done: int, *, report: Report | None = None) -> Progress:
        self.report.engine_seconds = embedding.seconds
        current, part, parts = embedding.ahead if report is None else ("", 0, 0)
        fresh = done - plan.unchanged - len(plan.again) + (part / parts if parts else 0.0)
        left = len(plan.scan.files) - done
        elapsed = time.monotonic() - self.started
        return Progress(
            done=done, total=len(plan.scan.files), chunks=self.report.chunks, tokens=embedding.tokens,
            tokens_per_s=embedding.tokens / elapsed if elapsed else 0.0,
            eta_s=0.0 if left <= 0 else elapsed / fresh * left if fresh > 0 else None,
            failures=self.report.files.failed, current=current, part=part, parts=parts, report=report,
        )  # fmt: skip


def under(connection: Connection, table: Any, root: Path) -> dict[str, Any]:
    """The rows of a table with a `path` column that lie under a folder, by path."""
    wanted = select(table).where(within(table.c.path, stored(root)))
    return {row.path: row for row in connection.execute(wanted)}


def within(column: Any, folder: str) -> Any:
    """The SQL condition of a path being a folder or below it. Plain comparison: a name may hold % and _."""
    below = folder.rstrip("/\\") + ("\\" if "\\" in folder and "/" not in folder else "/")
    return (column == folder) | ((column >= below) & (column < below[:-1] + chr(ord(below[-1]) + 1)))


def _same(met: Met, row: Any) -> bool:
    return (met.size, met.mtime_ns) == (row.size, row.mtime_ns)


def _inside(path: str, folders: list[str]) -> bool:
    return any(path.startswith(folder.rstrip("/\\") + "/") for folder in folders)
