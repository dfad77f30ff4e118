"""What `twofold methods add|use|drop` does: the spaces of a collection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.commands.frame import Failure, Session

if TYPE_CHECKING:
    from indexer import Collection, Space


def add(session: Session, name: str, *, dry_run: bool) -> None:
    """Give every chunk a vector of one more method; what it will take is told first. No file is read again."""
    from app.commands.models import embedder_for, note_untrained
    from app.commands.output import emit, follow, say, size
    from app.commands.stopping import interruptible
    from app.renewal import replace_earlier

    collection = session.collection()
    embedder = embedder_for(session.settings, collection, name)
    note_untrained(embedder)
    plan = collection.project(embedder)
    say(f"{plan['chunks']:,} chunks: about {plan['seconds']:,.0f} s, {size(int(plan['bytes']))} on disk")
    if dry_run:
        answer(session, {"method": name, "projected": plan}, "")
        return
    begun = time.perf_counter()
    with interruptible() as stop:
        follow(name, collection.add_space(embedder, stop=stop))
    space = space_named(collection, name, embedder.fingerprint)
    if not space.ready:
        raise Failure(f"stopped with {space.missing:,} chunks to go; the same command goes on from there")
    if replace_earlier(collection, space):
        say(f"they take the place of the vectors that an earlier version of {space.model} made")
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


def use(session: Session, name: str) -> None:
    """Make a method the collection's default."""
    collection = session.collection()
    space = space_named(collection, name)
    collection.promote(space.id)
    answer(session, {"method": name, "space": space.id, "default": True}, f"{name} is now the default")


def rollback(session: Session) -> None:
    """Make the default before the last promotion the default again."""
    collection = session.collection()
    number = collection.rollback()
    space = next(space for space in collection.spaces() if space.id == number)
    answer(session, {"method": space.method, "space": number, "default": True}, f"{space.method} is the default again")


def drop(session: Session, name: str) -> None:
    """Remove a method's vectors from the collection."""
    collection = session.collection()
    space = space_named(collection, name, spare=True)
    if space.default:
        raise Failure(f"{name} is what searches use: {way_out(collection, space)}")
    collection.drop_space(space.id)
    answer(session, {"method": name, "space": space.id, "dropped": True}, f"{name}: {space.vectors:,} vectors dropped")


def way_out(collection: Collection, space: Space) -> str:
    """What to do so that a default space can be dropped."""
    from app.contenders import space_labels

    others = [label for label, one in space_labels(collection.spaces()).items() if one.id != space.id]
    if others:
        return f"`twofold methods use {others[0]}` before you drop it"
    return "`twofold methods add NAME` and `twofold methods use NAME` with another one before you drop it"


def space_named(collection: Collection, name: str, fingerprint: str = "", *, spare: bool = False) -> Space:
    """The newest space of METHOD or METHOD@MODEL (or of a fingerprint); `spare` prefers one that is not the default."""
    from app.contenders import space_labels
    from embedder import find_method

    spaces = collection.spaces()
    method, _, model = name.partition("@")
    found = [s for s in spaces if fingerprint in ("", s.fingerprint) and s.method == method and model in ("", s.model)]
    if not found:
        if not any(s.method == method for s in spaces):
            find_method(method)  # a name that is none is told with the nearest one
        here = ", ".join(space_labels(spaces)) or "none"
        raise Failure(
            f"this collection has no vectors of {name!r} (it has: {here}); `twofold methods add {name}` makes them"
        )
    return max(found, key=lambda s: (spare and not s.default, s.id))


def answer(session: Session, document: dict[str, Any], text: str) -> None:
    """The same result as JSON or as a sentence."""
    from app.commands.output import console, emit

    if session.json:
        emit(session, document)
    elif text:
        console(session).print(text)
