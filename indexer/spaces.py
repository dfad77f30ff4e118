"""Spaces: which methods a collection has vectors of, which one is the default, what each still misses."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, insert, select, text, update
from sqlalchemy.engine import Connection, Row

from indexer import catalogue as c
from indexer.records import Space

if TYPE_CHECKING:
    from embedder.embedder import Embedder


def ensure(connection: Connection, embedder: "Embedder") -> int:
    """The id of the embedder's space, made if it is new. The first space of a collection becomes its default."""
    known = find(connection, embedder.fingerprint)
    if known is not None:
        return known
    made = connection.execute(insert(c.space).values(
        fingerprint=embedder.fingerprint, method=embedder.method.name, model=embedder.engine.name,
        revision=embedder.engine.revision, dim=embedder.dim, untrained=embedder.untrained, created=c.now(),
    ))  # fmt: skip
    space = c.new_id(made)
    connection.execute(update(c.collection).where(c.collection.c.default_space.is_(None)).values(default_space=space))
    return space


_FIND = select(c.space.c.id).where(c.space.c.fingerprint == bindparam("fingerprint"))


def find(connection: Connection, fingerprint: str) -> int | None:
    """The space of a fingerprint."""
    return connection.execute(_FIND, {"fingerprint": fingerprint}).scalar()


def every(connection: Connection) -> list[Space]:
    """All spaces, oldest first."""
    default = connection.execute(select(c.collection.c.default_space)).scalar()
    chunks, vectors = _counts(connection)
    rows = connection.execute(select(c.space).order_by(c.space.c.id)).all()
    return [_space(row, vectors.get(row.id, 0), chunks, row.id == default) for row in rows]


def _counts(connection: Connection) -> tuple[int, dict[int, int]]:
    """Chunks, and vectors of each space; counted again only when one was added or removed, for pages ask often."""
    mark = tuple(connection.execute(_MARK))
    known = connection.info.get("spaces")
    if known is None or known[0] != mark:
        chunks = connection.execute(select(func.count()).select_from(c.chunk)).scalar() or 0
        counted = connection.execute(select(c.vector.c.space_id, func.count()).group_by(c.vector.c.space_id))
        known = connection.info["spaces"] = mark, chunks, {space: count for space, count in counted}
    return known[1], known[2]


_MARK = text("SELECT name, seq FROM sqlite_sequence WHERE name IN ('chunk', 'vector', 'removal') ORDER BY name")


def _space(row: Row[Any], vectors: int, chunks: int, default: bool) -> Space:
    return Space(
        id=row.id, fingerprint=row.fingerprint, method=row.method, model=row.model, revision=row.revision, dim=row.dim,
        untrained=row.untrained, created=row.created, default=default, vectors=vectors,
        missing=chunks - vectors, calibrated=bool(row.null),
    )  # fmt: skip


def lacking(space: int) -> Any:
    """The SQL condition of a chunk that has no vector in a space."""
    there = select(c.vector.c.id).where(c.vector.c.chunk_id == c.chunk.c.id, c.vector.c.space_id == space)
    return ~exists(there)


def promote(connection: Connection, space: int) -> None:
    """Make a space the default; the one before is remembered for `rollback`."""
    before = connection.execute(select(c.collection.c.default_space)).scalar()
    if before == space:
        return
    if connection.execute(select(c.space.c.id).where(c.space.c.id == space)).scalar() is None:
        raise ValueError(f"no space {space} in this collection")
    missing = connection.execute(select(func.count()).select_from(c.chunk).where(lacking(space))).scalar()
    if missing:
        raise ValueError(f"{missing} chunks have no vector in space {space} yet: finish building it first")
    connection.execute(update(c.collection).values(default_space=space, previous_space=before))


def previous(connection: Connection) -> int | None:
    """The space that `rollback` would make the default again."""
    found = connection.execute(select(c.collection.c.previous_space)).scalar()
    return None if found is None else int(found)


def rollback(connection: Connection) -> int:
    """Make the default before the last promotion the default again; its id."""
    row = connection.execute(select(c.collection.c.default_space, c.collection.c.previous_space)).one()
    if row.previous_space is None:
        raise ValueError("there is no earlier default space to go back to")
    connection.execute(update(c.collection).values(default_space=row.previous_space, previous_space=row.default_space))
    return int(row.previous_space)


def drop(connection: Connection, space: int) -> None:
    """Remove a space with its vectors; the default one cannot go."""
    row = connection.execute(select(c.collection.c.default_space, c.collection.c.previous_space)).one()
    if row.default_space == space:
        raise ValueError("this is the default space, which searches use: make another one the default first")
    if row.previous_space == space:
        connection.execute(update(c.collection).values(previous_space=None))
    connection.execute(c.space.delete().where(c.space.c.id == space))
