"""The writes: each function is a part of one transaction that a caller opened. Knows no thread and no model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer import words
from indexer.taking import plain

if TYPE_CHECKING:
    from indexer.chunk import Chunk
    from indexer.load import Loaded


@dataclass(frozen=True, slots=True)
class Met:
    """A file as the scan met it: its name as stored, and what tells cheaply whether it changed."""

    path: str
    size: int
    mtime_ns: int
    seen_ns: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two files the same document: their bytes, and the suffix that chose the loader."""

    hash: str
    suffix: str


def find(connection: Connection, key: Key) -> int | None:
    """The document made from these bytes, if there is one."""
    wanted = select(c.document.c.id).where(c.document.c.hash == key.hash, c.document.c.suffix == key.suffix)
    return connection.execute(wanted).scalar()


def held(connection: Connection, path: str) -> int | None:
    """The document that a path holds."""
    return connection.execute(select(c.path.c.document_id).where(c.path.c.path == path)).scalar()


def holders(connection: Connection, document: int) -> set[str]:
    """The paths that hold a document."""
    return set(connection.execute(select(c.path.c.path).where(c.path.c.document_id == document)).scalars())


def add_document(
    connection: Connection, key: Key, loaded: "Loaded", chunks: Sequence["Chunk"], vectors: Mapping[int, np.ndarray]
) -> int:
    """Store a document with its pages, chunks, words and, for each space id, its vectors: (chunks, dim)."""
    made = connection.execute(insert(c.document).values(
        hash=key.hash, suffix=key.suffix, kind=loaded.kind, title=loaded.title, encoding=loaded.encoding,
        characters=len(loaded.text), tokens=sum(k.tokens for k in chunks), added=c.now(), text=loaded.text,
    ))  # fmt: skip
    document = c.new_id(made)
    pages = [
        {"document_id": document, "ordinal": n, "label": p.label, "start": p.start, "end": p.end}
        for n, p in enumerate(loaded.pages)
    ]
    if pages:
        connection.execute(insert(c.page), pages)
    ids = _add_chunks(connection, document, loaded.text, chunks)
    for space, rows in vectors.items():
        add_vectors(connection, space, ids, rows)
    return document


def _add_chunks(connection: Connection, document: int, body: str, chunks: Sequence["Chunk"]) -> list[int]:
    first = _next_chunk(connection)
    rows = [
        {
            "id": first + n,
            "document_id": document,
            "ordinal": n,
            "start": k.start,
            "end": k.end,
            "tokens": k.tokens,
            "page": k.page,
        }
        for n, k in enumerate(chunks)
    ]
    if rows:
        connection.execute(insert(c.chunk), rows)
        words.add(connection, ((first + n, body[k.start : k.end]) for n, k in enumerate(chunks)))
    return [first + n for n in range(len(chunks))]


def _next_chunk(connection: Connection) -> int:
    # The sequence, not the largest id there is: an id that was ever used may still be in somebody's view.
    return 1 + (connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'")).scalar() or 0)


def add_vectors(connection: Connection, space: int, chunks: Sequence[int], rows: np.ndarray) -> None:
    """Store the vectors of chunks in a space, as float16; vectors already there stay."""
    if len(chunks) != len(rows):
        raise ValueError(f"{len(chunks)} chunks and {len(rows)} vectors: every chunk needs exactly one")
    values = [
        {"space_id": space, "chunk_id": chunk, "data": row.tobytes()}
        for chunk, row in zip(chunks, rows.astype(np.float16, copy=False), strict=True)
    ]
    if values:
        connection.execute(upsert(c.vector).on_conflict_do_nothing(), values)


def point(connection: Connection, met: Met, document: int) -> None:
    """Let a path hold this document; the one it held before leaves if no other path holds it."""
    before = held(connection, met.path)
    values = {"document_id": document, "size": met.size, "mtime_ns": met.mtime_ns, "seen_ns": met.seen_ns}
    statement = upsert(c.path).values(path=met.path, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["path"], set_=values))
    connection.execute(delete(c.failure).where(c.failure.c.path == met.path))
    if before is not None and before != document:
        drop_if_unheld(connection, before)


def touch(connection: Connection, met: Met) -> None:
    """Note that a file was looked at and holds what it held."""
    statement = update(c.path).where(c.path.c.path == met.path)
    connection.execute(statement.values(size=met.size, mtime_ns=met.mtime_ns, seen_ns=met.seen_ns))


def fail(connection: Connection, met: Met, reason: str, *, lasting: bool) -> None:
    """Note why a file could not be read. What it held before is gone only if the reason lies in the file itself."""
    values = {"reason": reason, "size": met.size, "mtime_ns": met.mtime_ns, "lasting": lasting, "at": c.now()}
    statement = upsert(c.failure).values(path=met.path, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["path"], set_=values))
    if lasting:
        forget(connection, met.path)


def forget(connection: Connection, path: str, *, erase: bool = False) -> bool:
    """Take a path out, and its document if no other path holds it; `erase` also blanks what answers quoted from it."""
    before = held(connection, path)
    if erase:  # a test set's questions quote the file they were taken from
        connection.execute(delete(c.test_question).where(c.test_question.c.path == path))
    if before is None:
        return False
    connection.execute(delete(c.path).where(c.path.c.path == path))
    drop_if_unheld(connection, before, erase=erase)
    return True


def drop_if_unheld(connection: Connection, document: int, *, erase: bool = False) -> None:
    """Remove a document that no path holds: text, pages, chunks, words, vectors in every space."""
    if connection.execute(select(func.count()).where(c.path.c.document_id == document)).scalar():
        return
    body = connection.execute(select(c.document.c.text).where(c.document.c.id == document)).scalar()
    chunks = connection.execute(
        select(c.chunk.c.id, c.chunk.c.start, c.chunk.c.end).where(c.chunk.c.document_id == document)
    ).all()
    words.remove(connection, ((k.id, (body or "")[k.start : k.end]) for k in chunks))
    if chunks:
        connection.execute(insert(c.removal), [{"chunk_id": k.id, "space_id": 0} for k in chunks])
    if erase:
        connection.execute(update(c.citation).where(c.citation.c.document_id == document).values(text=""))
        _blank_votes(connection, plain(body or ""))
    connection.execute(delete(c.document).where(c.document.c.id == document))


def _blank_votes(connection: Connection, body: str) -> None:
    """Take the words of a question that was a piece of an erased document; the vote itself stays."""
    asked = connection.execute(select(c.vote.c.id, c.vote.c.query)).all()
    pieces = [vote for vote, query in asked if query and query in body]
    if pieces:
        connection.execute(update(c.vote).where(c.vote.c.id.in_(pieces)).values(query=""))


def forget_failures(connection: Connection, paths: Iterable[str]) -> None:
    """Drop the failures of files that are no longer there."""
    rows = [{"gone": path} for path in paths]
    if rows:
        connection.execute(text("DELETE FROM failure WHERE path = :gone"), rows)


def shrink(connection: Connection) -> None:
    """Overwrite what removed documents left in the words index."""
    words.compact(connection)
