"""What `twofold methods add|use|drop` does: the spaces of a collection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.commands.frame import Failure, Session

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Space

SAMPLE = 16  # chunks timed to tell how long all of them will take


def add(session: Session, name: str, *, dry_run: bool) -> None:
    """Give every chunk a vector of one more method; what it will take is told first. No file is read again."""
    from app.commands.library import interruptible
    from app.commands.models import embedder_for, note_untrained
    from app.commands.output import emit, follow, say, size

    collection = session.collection()
    embedder = embedder_for(session.settings, collection, name)
    note_untrained(embedder)
    plan = projected(collection, embedder)
    say(f"{plan['chunks']:,} chunks: about {plan['seconds']:,.0f} s, {size(plan['bytes'])} on disk")
    if dry_run:
        answer(session, {"method": name, "projected": plan}, "")
        return
    begun = time.perf_counter()
    with interruptible() as stop:
        follow(name, collection.add_space(embedder, stop=stop))
    space = space_named(collection, name, embedder.fingerprint)
    if not space.ready:
        raise Failure(f"stopped with {space.missing:,} chunks to go; the same command goes on from there")
    done = {
        "method": name,
        "space": space.id,
        "vectors": space.vectors,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    if session.json:
        emit(session, {**done, "projected": plan})
    else:
        answer(session, done, f"{name}: {space.vectors:,} vectors; search with --method {name}")


def projected(collection: Collection, embedder: Embedder) -> dict[str, Any]:
    """Chunks still to embed, seconds (from a timed sample) and bytes (two a number)."""
    texts, chunks = sample(collection)
    begun = time.perf_counter()
    if texts:
        embedder.documents(texts[:1])  # the first pass also warms up
        begun = time.perf_counter()
        embedder.documents(texts)
    rate = (time.perf_counter() - begun) / max(len(texts), 1)
    return {"chunks": chunks, "seconds": round(rate * chunks, 1), "bytes": chunks * embedder.dim * 2}


def sample(collection: Collection) -> tuple[list[str], int]:
    """Some chunks' texts, spread over the documents, and how many chunks there are."""
    rows = collection.documents()
    chunks = sum(row.chunks for row in rows)
    texts: list[str] = []
    for row in rows[:: max(1, len(rows) // SAMPLE)]:
        document = collection.document(row.id)
        middle = document.chunks[len(document.chunks) // 2 :][:1]
        texts += [document.text[chunk.start : chunk.end] for chunk in middle]
    return texts[:SAMPLE], chunks


def use(session: Session, name: str) -> None:
    """Make a method the collection's default."""
    collection = session.collection()
    space = space_named(collection, name)
    collection.promote(space.id)
    answer(session, {"method": name, "space": space.id, "default": True}, f"{name} is now the default")


def drop(session: Session, name: str) -> None:
    """Remove a method's vectors from the collection."""
    collection = session.collection()
    space = space_named(collection, name)
    collection.drop_space(space.id)
    answer(session, {"method": name, "space": space.id, "dropped": True}, f"{name}: {space.vectors:,} vectors dropped")


def space_named(collection: Collection, name: str, fingerprint: str = "") -> Space:
    """The newest space of a method (or the one of a fingerprint)."""
    spaces = collection.spaces()
    found = [s for s in spaces if (s.fingerprint == fingerprint if fingerprint else s.method == name)]
    if not found:
        here = ", ".join(s.method for s in spaces) or "none"
        raise Failure(
            f"this collection has no vectors of {name!r}; it has: {here}. `twofold methods add {name}` makes them"
        )
    return found[-1]


def answer(session: Session, document: dict[str, Any], text: str) -> None:
    """The same result as JSON or as a sentence."""
    from app.commands.output import console, emit

    if session.json:
        emit(session, document)
    elif text:
        console(session).print(text)
