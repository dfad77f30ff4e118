"""Check a collection: catalogue against words, vectors, views and disk.

Repairs what differs from SQL, and says what it did.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select, text, update
from sqlalchemy.engine import Connection

from indexer import cache, jobs, spaces, words
from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.search import Searcher


@dataclass(slots=True)
class Report:
    """`found` is what was wrong, `repaired` what was done about it, `left` what only a person or a model can mend."""

    checked: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing was wrong, or all of it is right again."""
        return not self.left and len(self.found) == len(self.repaired)


def examine(catalogue: Catalogue, searcher: Searcher, folder: Path, *, repair: bool) -> Report:
    """Run every check."""
    report = Report()
    with catalogue.write() if repair else catalogue.read() as connection:
        _integrity(connection, report)
        _orphans(connection, report, repair)
        _words(connection, report, repair)
        _vectors(connection, report, repair)
        _jobs(connection, report, repair)
    with catalogue.read() as connection:
        for space in spaces.every(connection):
            _view(connection, searcher, space, report, repair)
    _disk(folder, report, repair)
    return report


def _note(report: Report, wrong: str, done: str = "") -> None:
    report.found.append(wrong)
    if done:
        report.repaired.append(done)


def _integrity(connection: Connection, report: Report) -> None:
    report.checked.append("database")
    for (line,) in connection.execute(text("PRAGMA integrity_check")):
        if line != "ok":
            report.left.append(f"database: {line}")
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        report.left.append(f"database: a row of {row[0]} points to nothing in {row[2]}")


def _orphans(connection: Connection, report: Report, repair: bool) -> None:
    """Documents that no path holds cannot be found by their path, nor removed."""
    report.checked.append("documents")
    held = select(c.path.c.id).where(c.path.c.document_id == c.document.c.id).exists()
    lost = connection.execute(select(c.document.c.id).where(~held)).scalars().all()
    if lost:
        from indexer.store import drop_if_unheld

        for document in lost if repair else ():
            drop_if_unheld(connection, document)
        _note(
            report,
            f"{len(lost)} documents without a path",
            f"removed {len(lost)} documents without a path" if repair else "",
        )


def refresh_words(connection: Connection) -> bool:
    """Index all words again if another version of the segmenter indexed them."""
    if connection.execute(select(c.collection.c.segmenter)).scalar() == words.SEGMENTER:
        return False
    rebuild_words(connection)
    return True


def rebuild_words(connection: Connection) -> None:
    """Empty the words index and fill it from the documents' texts."""
    words.clear(connection)
    for document in connection.execute(select(c.document.c.id)).scalars().all():
        body = connection.execute(select(c.document.c.text).where(c.document.c.id == document)).scalar() or ""
        spans = select(c.chunk.c.id, c.chunk.c.start, c.chunk.c.end).where(c.chunk.c.document_id == document)
        words.add(connection, [(k.id, body[k.start : k.end]) for k in connection.execute(spans)])
    connection.execute(update(c.collection).values(segmenter=words.SEGMENTER))


def _words(connection: Connection, report: Report, repair: bool) -> None:
    report.checked.append("words")
    chunks = set(connection.execute(select(c.chunk.c.id)).scalars())
    indexed = set(connection.execute(text("SELECT id FROM words_docsize")).scalars())
    stale = connection.execute(select(c.collection.c.segmenter)).scalar() != words.SEGMENTER
    if chunks == indexed and not stale:
        return
    wrong = f"words: {len(chunks - indexed)} chunks not indexed, {len(indexed - chunks)} indexed that are gone"
    if repair:
        rebuild_words(connection)
    _note(report, wrong, "indexed all words again" if repair else "")


def _vectors(connection: Connection, report: Report, repair: bool) -> None:
    report.checked.append("vectors")
    for space in spaces.every(connection):
        bad = _bad_vectors(connection, space.id, space.dim)
        if bad and repair:
            connection.execute(text("DELETE FROM vector WHERE id = :id"), [{"id": number} for number in bad])
            gone = [{"chunk_id": chunk, "space_id": space.id} for chunk in bad.values()]
            connection.execute(c.removal.insert(), gone)  # views in other processes must forget them too
        if bad:
            _note(report, f"{space.method}: {len(bad)} damaged vectors", "removed them" if repair else "")
        missing = space.missing + (len(bad) if repair else 0)
        if missing:
            report.left.append(
                f"{space.method}: {missing} chunks have no vector yet; adding the method again makes them"
            )


SHORTEST = 0.3  # of unit vectors averaged with their neighbours'; alone, a vector has length 1


def _bad_vectors(connection: Connection, space: int, dim: int) -> dict[int, int]:
    """Vectors that are not `dim` finite numbers of a length that a chunk among its neighbours has: ids and chunks."""
    bad: dict[int, int] = {}
    wanted = select(c.vector.c.id, c.vector.c.chunk_id, c.vector.c.data).where(c.vector.c.space_id == space)
    for number, chunk, data in connection.execute(wanted):
        row = np.frombuffer(data, np.float16).astype(np.float32) if len(data) == 2 * dim else np.zeros(1)
        if not SHORTEST < float(np.linalg.norm(row)) < 1.01:
            bad[number] = chunk
    return bad


def _jobs(connection: Connection, report: Report, repair: bool) -> None:
    report.checked.append("jobs")
    lost = [job for job in jobs.every(connection, limit=1000) if job.state == "lost" and job.error == ""]
    if lost:
        if repair:
            jobs.mark_lost(connection)
        _note(report, f"{len(lost)} jobs whose process is gone", "closed them" if repair else "")


def _view(connection: Connection, searcher: Searcher, space: Any, report: Report, repair: bool) -> None:
    """Compare the ids in the view, caught up, with SQL; a view that differs is made again."""
    report.checked.append(f"view of {space.method}")
    view = searcher.view(space.id, space.dim)
    view.refresh(connection)
    wanted = select(c.vector.c.chunk_id).where(c.vector.c.space_id == space.id).order_by(c.vector.c.chunk_id)
    there = np.asarray(connection.execute(wanted).scalars().all(), np.int64)
    if np.array_equal(view.ids(), there):
        return
    if repair:
        view.forget()
        view.refresh(connection)
    _note(report, f"view of {space.method}: not the vectors of the catalogue", "made it again" if repair else "")


def _disk(folder: Path, report: Report, repair: bool) -> None:
    report.checked.append("files")
    left = list((folder / "views").glob(".*.faiss.*"))
    if left:
        if repair:
            cache.sweep(folder / "views")
        _note(report, f"{len(left)} unfinished view files", "removed them" if repair else "")
