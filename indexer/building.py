"""Build a space beside the others: vectors for chunks that are already stored. Reads no file and cuts nothing again."""

import time
from collections.abc import Generator, Iterator
from itertools import groupby
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from indexer import catalogue as c
from indexer import jobs, spaces, store
from indexer.catalogue import Catalogue
from indexer.embedding import BATCH_SECONDS, LEAST, MOST, beyond
from indexer.records import Progress, Report

if TYPE_CHECKING:
    from embedder.embedder import Embedder


def build(catalogue: Catalogue, name: str, embedder: "Embedder", stop: Event | None = None) -> Generator[Progress]:
    """Embed what the embedder's space lacks, a transaction each batch; stopped and started again, it goes on."""
    building = _Building(catalogue, name, embedder)
    with jobs.ending(building.close, building.report):
        for progress in building.run():
            yield progress
            if building.cancelled or (stop is not None and stop.is_set()):
                building.report.stopped = True
                break
    yield building.progress(report=building.report)


class _Building:
    def __init__(self, catalogue: Catalogue, name: str, embedder: "Embedder") -> None:
        self.catalogue, self.embedder = catalogue, embedder
        self.report = Report(name)
        self.cancelled = False
        self.budget = LEAST * 2
        self.started = time.monotonic()
        with catalogue.write() as connection:
            self.space = spaces.ensure(connection, embedder)
            self.total = connection.execute(_count(self.space)).scalar() or 0
            target = f"{embedder.method.name} on {embedder.engine.name}"
            self.job = jobs.create(connection, "space", target, total=self.total)

    def run(self) -> Iterator[Progress]:
        last = 0
        while batch := self._batch(last):
            last = batch[-1].id
            self._embed(batch)
            yield self.progress()

    def _batch(self, after: int) -> list[Any]:
        wanted = _bodies().where(c.chunk.c.id > after, spaces.lacking(self.space)).limit(256)
        taken, tokens = [], 0
        with self.catalogue.read() as connection:
            for row in connection.execute(wanted):
                taken.append(row)
                tokens += row.tokens
                if tokens >= self.budget:
                    break
        return taken

    def _embed(self, batch: list[Any]) -> None:
        started = time.perf_counter()
        rows = self._placed(batch).astype(np.float16)
        seconds = time.perf_counter() - started
        room = self.embedder.room("document")
        tokens = sum(row.tokens for row in batch)
        with self.catalogue.write() as connection:
            store.add_vectors(connection, self.space, [row.id for row in batch], rows)
            self.cancelled = jobs.beat(connection, self.job, done=self.report.chunks + len(batch))
        self.report.chunks += len(batch)
        self.report.tokens += tokens
        self.report.truncated += sum(beyond(self.embedder, row.body, room) for row in batch)
        self.report.engine_seconds += seconds
        wanted = tokens / max(seconds, 1e-6) * BATCH_SECONDS
        self.budget = int(min(max(wanted, LEAST), MOST, 2 * self.budget))

    def _placed(self, batch: list[Any]) -> np.ndarray:
        """Vectors of the batch's chunks among their neighbours, which may lie outside of it."""
        if not self.embedder.reach:
            return self.embedder.documents([row.body for row in batch])
        with self.catalogue.read() as connection:
            parts = [list(connection.execute(_stretch(rows, self.embedder.reach))) for rows in _documents(batch)]
        vectors = self.embedder.documents([row.body for part in parts for row in part])
        places: dict[int, np.ndarray] = {}
        for part in parts:
            own, vectors = vectors[: len(part)], vectors[len(part) :]
            placed = self.embedder.placed(own, [len(row.body) for row in part])
            places |= {row.id: place for row, place in zip(part, placed, strict=True)}
        return np.stack([places[row.id] for row in batch])

    def progress(self, report: Report | None = None) -> Progress:
        done, elapsed = self.report.chunks, time.monotonic() - self.started
        return Progress(
            done=done, total=self.total, chunks=done, tokens=self.report.tokens,
            tokens_per_s=self.report.tokens / max(elapsed, 1e-6),
            eta_s=elapsed / done * (self.total - done) if done else None, current=self.embedder.method.name,
            report=report,
        )  # fmt: skip

    def close(self, state: str, error: str) -> None:
        self.report.seconds = time.monotonic() - self.started
        with self.catalogue.write() as connection:
            jobs.beat(connection, self.job, done=self.report.chunks)
            jobs.end(connection, self.job, state, error=error, details={"space": self.space})


def _bodies() -> Any:
    body = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start).label("body")
    columns = (c.chunk.c.id, c.chunk.c.document_id, c.chunk.c.ordinal, c.chunk.c.tokens)
    return select(*columns, body).join(c.document).order_by(c.chunk.c.id)


def _documents(batch: list[Any]) -> list[list[Any]]:
    return [list(rows) for _, rows in groupby(batch, lambda row: row.document_id)]


def _stretch(rows: list[Any], reach: int) -> Any:
    """From the first to the last of a document's rows, and the neighbours of both."""
    first, last = rows[0].ordinal - reach, rows[-1].ordinal + reach
    return _bodies().where(c.chunk.c.document_id == rows[0].document_id, c.chunk.c.ordinal.between(first, last))


def _count(space: int) -> Any:
    return select(func.count()).select_from(c.chunk).where(spaces.lacking(space))


def project(catalogue: Catalogue, embedder: "Embedder", *, sample: int = 32) -> dict[str, float]:
    """What building the embedder's space would cost, measured on some chunks: chunks, seconds and bytes."""
    with catalogue.read() as connection:
        space = spaces.find(connection, embedder.fingerprint) or 0
        left = connection.execute(_count(space)).scalar() or 0
        tokens = connection.execute(select(func.sum(c.chunk.c.tokens)).where(spaces.lacking(space))).scalar() or 0
        body = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start).label("body")
        wanted = select(c.chunk.c.tokens, body).join(c.document).order_by(func.random()).limit(sample)
        rows = connection.execute(wanted).all()
    if not rows:
        return {"chunks": 0, "tokens": 0, "seconds": 0.0, "bytes": 0}
    embedder.documents([row.body for row in rows[:2]])  # the first call of an engine is slower than the others
    started = time.perf_counter()
    embedder.documents([row.body for row in rows])
    rate = (time.perf_counter() - started) / max(sum(row.tokens for row in rows), 1)
    return {"chunks": left, "tokens": int(tokens), "seconds": rate * int(tokens), "bytes": left * embedder.dim * 2}
