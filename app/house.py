"""What all sessions of the pages share: one runtime with one backbone, one collection, one desk, one line of work.

It knows no widget; the pages get it from one cached call.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.desk import Desk, writer_of
from app.papers import Papers
from app.runtime import BUNDLED, Runtime, open_resident
from app.settings import Settings, read_settings
from app.works import Works
from embedder import Card, build, find_method, read_card
from indexer import Collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedder import Embedder
    from embedder.engine import Engine
    from embedder.method import Side
    from indexer import Progress

opener: Callable[[str, Settings], Engine] = open_resident  # tests put a small engine here


@dataclass(frozen=True)
class House:
    """The shared parts, and the few acts that need two of them."""

    settings: Settings
    runtime: Runtime
    collection: Collection
    desk: Desk
    works: Works
    papers: Papers

    def embedder(self, method: str = "") -> Embedder:
        """The resident model under a method, "" for the default one."""
        return embedder_of(self.runtime, self.collection, method)

    def add_folder(self, folder: Path, *, prune: bool = False) -> bool:
        """Have a folder read in the background; False if that is under way already."""

        def start(stop: threading.Event) -> Iterator[Progress]:
            return self.collection.ingest(folder, self.embedders(), prune=prune, stop=stop)

        return self.works.add(str(folder), start)

    def embedders(self) -> list[Embedder]:
        """The backbone under the default method, then under every other method the collection has vectors of."""
        first = self.embedder()
        names = [space.method for space in self.collection.spaces() if space.model == first.engine.name]
        return [first, *(self.embedder(name) for name in dict.fromkeys(names) if name != first.method.name)]

    def add_space(self, method: str) -> bool:
        """Have vectors made for a method in the background; False if that is under way already."""

        def start(stop: threading.Event) -> Iterator[Progress]:
            return self.collection.add_space(self.embedder(method), stop=stop)

        return self.works.add(f"vectors of {method or 'the resident model'}", start)

    def card(self) -> Card:
        """What the resident model says of itself; the defaults while none is there."""
        return read_card(self.runtime.state.model or BUNDLED)

    def writes(self) -> bool:
        """Whether the resident model can write at all; True while none is there."""
        return self.runtime.state.phase != "ready" or writer_of(self.embedder()) is not None

    def inspect(self, method: str, side: Side, text: str) -> list[tuple[str, float]]:
        """Each token the model is given for a text under a method, with its weight in the vector."""
        engine = self.runtime.engine()
        prompt = build(find_method(method), side, text, engine)
        return [(engine.decode([token]), weight) for token, weight in zip(prompt.ids, prompt.weights, strict=True)]

    def close(self) -> None:
        """Let the model go, and what else was opened."""
        self.papers.close()
        self.runtime.close()
        self.collection.close()

    def uploads(self) -> Path:
        """Where uploaded files are kept: they are documents of the collection like any other."""
        folder = self.settings.home / "uploads" / self.settings.collection
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def embedder_of(runtime: Runtime, collection: Collection, method: str = "") -> Embedder:
    """The resident model under a method: the one asked for, else the settings', the collection's, the model's own."""
    method = method or runtime.settings.method
    space = None if method else collection.default_space()
    return runtime.embedder(method or (space.method if space else ""))


def settle() -> None:
    """Take what is loaded by now out of the garbage collector's sight.

    Streamlit collects garbage after every run of a page, also of a page that only looks how far an answer is. With
    torch and its friends loaded that walks a million objects that will never be garbage, and everybody waits for it.
    """
    gc.collect()
    gc.freeze()


def open_house(settings: Settings | None = None) -> House:
    """Open the collection and begin to load the model; returns before the model is there."""
    settings = settings or read_settings()
    runtime = Runtime(settings, opener)
    collection = Collection.open(settings.make_home(), settings.collection)
    runtime.warm_up().add_done_callback(lambda _: settle())
    desk = Desk(runtime, collection, partial(embedder_of, runtime, collection))
    return House(settings, runtime, collection, desk, Works(), Papers())


__all__ = ["BUNDLED", "House", "open_house"]
