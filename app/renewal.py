"""Vectors a collection lacks because its model changed: what is told of them, and how new ones take their place.

It knows no page and no command; both say the same of a space, each with its own way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING

from app.known_models import BUNDLED

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Progress, Space


def changed(space: Space) -> str:
    """The beginning of a sentence about vectors that nothing in memory can be compared with."""
    return f"{space.model} has changed since its vectors of {space.method} were made"


def earlier(space: Space, embedder: Embedder) -> bool:
    """Whether a space has vectors of this model and method, made when the model, or a setting of it, was another."""
    same = (space.model, space.method) == (embedder.engine.name, embedder.method.name)
    return same and space.fingerprint != embedder.fingerprint


def renew(collection: Collection, embedders: Sequence[Embedder], stop: Event | None = None) -> Iterator[Progress]:
    """Make the vectors that the embedders' spaces lack, before documents are added: every space has all or none."""
    for embedder in embedders:
        space = collection.space_of(embedder)
        if (space is None or space.missing) and collection.status()["chunks"]:
            yield from collection.add_space(embedder, stop=stop)
        if stop is not None and stop.is_set():
            return
        made = collection.space_of(embedder)
        if made is not None and made.ready:
            replace_earlier(collection, made)


def replace_earlier(collection: Collection, new: Space) -> bool:
    """Let new vectors of the bundled model take the place of those an earlier Twofold made; whether there were any.

    The earlier weights are gone, so nothing can search those vectors any more. Other models may lie elsewhere still.
    """
    found = False
    for old in collection.spaces():
        if new.model == BUNDLED == old.model and old.method == new.method and old.revision != new.revision:
            if old.default:
                collection.promote(new.id)
            collection.drop_space(old.id)
            found = True
    return found
