"""Reading rows: documents for lists and pages, failures, figures of a collection, export."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer import jobs, spaces
from indexer.records import ChunkSpan, Document, Failure, Filters, PageSpan, Row, when
from indexer.scan import stored


def rows(connection: Connection, filters: Filters, like: str, limit: int, offset: int) -> list[Row]:
    """Documents in the order of their first path; `like` is a part of a path or title."""
    first = func.min(c.path.c.path).label("path")
    wanted = (
        select(c.document.c.id, c.document.c.kind, c.document.c.title, c.document.c.characters, c.document.c.tokens,
               c.document.c.added, first, func.max(c.path.c.size).label("size"),
               func.max(c.path.c.mtime_ns).label("mtime_ns"))
        .join(c.path, c.path.c.document_id == c.document.c.id).where(*_conditions(filters, like))
        .group_by(c.document.c.id).order_by(first).limit(limit).offset(offset)
    )  # fmt: skip
    found = connection.execute(wanted).all()
    ids = [row.id for row in found]
    paths, chunks, lacking = _paths(connection, ids), _chunk_counts(connection, ids), _behind(connection, ids)
    return [
        Row(
            id=row.id, path=row.path, also=tuple(p for p in paths[row.id] if p != row.path), kind=row.kind,
            title=row.title,
            characters=row.characters, tokens=row.tokens, chunks=chunks.get(row.id, 0), size=row.size,
            modified=when(row.mtime_ns), added=row.added, ready=row.id not in lacking,
        )
        for row in found
    ]  # fmt: skip


def _conditions(filters: Filters, like: str) -> list[Any]:
    since, until = filters.span_ns()
    prefix = stored(filters.path)
    found: list[Any] = []
    if prefix:
        found += [c.path.c.path >= prefix, c.path.c.path < prefix + "\U0010ffff"]
    if filters.kind:
        found.append(c.document.c.kind == filters.kind)
    if since is not None:
        found.append(c.path.c.mtime_ns >= since)
    if until is not None:
        found.append(c.path.c.mtime_ns < until)
    if like:
        found.append(
            c.path.c.path.icontains(like, autoescape=True) | c.document.c.title.icontains(like, autoescape=True)
        )
    return found


def _paths(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    wanted = select(c.path.c.document_id, c.path.c.path).where(c.path.c.document_id.in_(ids)).order_by(c.path.c.path)
    found: dict[int, list[str]] = {}
    for document, path in connection.execute(wanted):
        found.setdefault(document, []).append(path)
    return found


def _chunk_counts(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    wanted = (
        select(c.chunk.c.document_id, func.count())
        .where(c.chunk.c.document_id.in_(ids))
        .group_by(c.chunk.c.document_id)
    )
    return {key: count for key, count in connection.execute(wanted)}


def _behind(connection: Connection, ids: Sequence[int]) -> set[int]:
    """The documents of which some space has not every vector."""
    behind: set[int] = set()
    for space in connection.execute(select(c.space.c.id)).scalars().all():
        wanted = select(c.chunk.c.document_id).where(c.chunk.c.document_id.in_(ids), spaces.lacking(space)).distinct()
        behind |= set(connection.execute(wanted).scalars())
    return behind


def document(connection: Connection, number: int) -> Document:
    """A document whole, with its pages and chunks."""
    row = connection.execute(select(c.document).where(c.document.c.id == number)).one_or_none()
    if row is None:
        raise LookupError(f"document {number} is not in the collection (any more)")
    paths = connection.execute(select(c.path).where(c.path.c.document_id == number).order_by(c.path.c.path)).all()
    pages = connection.execute(select(c.page).where(c.page.c.document_id == number).order_by(c.page.c.ordinal))
    chunks = connection.execute(select(c.chunk).where(c.chunk.c.document_id == number).order_by(c.chunk.c.ordinal))
    return Document(
        id=number, path=paths[0].path, also=tuple(p.path for p in paths[1:]), kind=row.kind, title=row.title,
        encoding=row.encoding, text=row.text, pages=tuple(PageSpan(p.label, p.start, p.end) for p in pages),
        chunks=tuple(ChunkSpan(k.id, k.start, k.end, k.tokens, k.page) for k in chunks),
        modified=when(paths[0].mtime_ns), added=row.added,
    )  # fmt: skip


def at(connection: Connection, path: str) -> int | None:
    """The document that lies at a path."""
    return connection.execute(select(c.path.c.document_id).where(c.path.c.path == path)).scalar()


def failures(connection: Connection) -> list[Failure]:
    """Files that could not be read, by path."""
    wanted = select(c.failure.c.path, c.failure.c.reason, c.failure.c.at).order_by(c.failure.c.path)
    return [Failure(*row) for row in connection.execute(wanted)]


def kinds(connection: Connection) -> dict[str, int]:
    """How many documents there are of each kind, the most frequent first."""
    kind = c.document.c.kind
    rows = connection.execute(select(kind, func.count()).group_by(kind).order_by(func.count().desc()))
    return {name: count for name, count in rows}


def status(connection: Connection, folder: Path) -> dict[str, Any]:
    """The figures of a collection."""
    row = connection.execute(select(c.collection)).one()
    folders = select(c.folder.c.path, c.folder.c.scanned).order_by(c.folder.c.path)
    return {
        "collection": row.name,
        "folders": [{"path": one.path, "scanned": one.scanned} for one in connection.execute(folders)],
        "documents": _count(connection, c.document),
        "paths": _count(connection, c.path),
        "chunks": _count(connection, c.chunk),
        "tokens": connection.execute(select(func.sum(c.document.c.tokens))).scalar() or 0,
        "failures": _count(connection, c.failure),
        "kinds": kinds(connection),
        "chunk_tokens": row.chunk_tokens,
        "spaces": [_space(space) for space in spaces.every(connection)],
        "jobs": [job.id for job in jobs.every(connection, running=True)],
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        "home": str(folder),
    }


def _space(space: Any) -> dict[str, Any]:
    names = (
        "id",
        "method",
        "model",
        "dim",
        "default",
        "untrained",
        "vectors",
        "missing",
        "ready",
        "calibrated",
        "bytes",
    )
    return {name: getattr(space, name) for name in names}


def _count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar() or 0


def export(connection: Connection, *, text: bool = True) -> Iterator[dict[str, Any]]:
    """Every document with its paths, pages and chunks, as plain values: one JSON object each."""
    for number in connection.execute(select(c.document.c.id).order_by(c.document.c.id)).scalars().all():
        one = document(connection, number)
        yield {
            "paths": [one.path, *one.also], "kind": one.kind, "title": one.title, "modified": one.modified,
            "pages": [{"label": p.label, "start": p.start, "end": p.end} for p in one.pages],
            "chunks": [{"id": k.id, "start": k.start, "end": k.end, "tokens": k.tokens,
            "page": k.page} for k in one.chunks],
        } | ({"text": one.text} if text else {})  # fmt: skip
