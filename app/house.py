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
from typing import TYPE_CHECKING, Any

from app.bench import Bench
from app.contenders import Contender
from app.desk import Desk, writer_of
from app.errands import Errands
from app.known_models import place_of, remember
from app.papers import Papers
from app.parts_tokens import laid_open
from app.renewal import earlier, renew, replace_earlier
from app.runtime import BUNDLED, Runtime, open_resident
from app.settings import Settings, read_settings
from app.works import Works
from embedder import ENCODERS, METHODS, Card, read_card
from embedder.naming import model_name
from indexer import Collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedder import Embedder
    from embedder.engine import Engine
    from embedder.method import Side
    from indexer import Progress, Space

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
    errands: Errands
    bench: Bench

    def embedder(self, method: str = "") -> Embedder:
        """The resident model under a method, "" for the default one."""
        return embedder_of(self.runtime, self.collection, method)

    def add_folder(self, folder: Path, *, prune: bool = False) -> bool:
        """Have a folder read in the background; False if that is under way already."""

        def start(stop: threading.Event) -> Iterator[Progress]:
            embedders = self.embedders()
            yield from renew(self.collection, embedders, stop)
            if not stop.is_set():
                yield from self.collection.ingest(folder, embedders, prune=prune, stop=stop)

        return self.works.add(str(folder), start)

    def embedders(self) -> list[Embedder]:
        """The backbone under the default method, then under every other method the collection has vectors of."""
        first = self.embedder()
        names = [space.method for space in self.collection.spaces() if space.model == first.engine.name]
        return [first, *(self.embedder(name) for name in dict.fromkeys(names) if name != first.method.name)]

    def add_space(self, method: str, model: str = "") -> bool:
        """Have vectors made for a method, on a model of any place, in the background; False if under way already."""

        def start(stop: threading.Event) -> Iterator[Progress]:
            embedder = self.known(method, model)
            yield from self.collection.add_space(embedder, stop=stop)
            space = self.collection.space_of(embedder)
            if space is not None and space.ready:
                replace_earlier(self.collection, space)

        on = f" on {model_name(model)}" if model else ""
        return self.works.add(f"vectors of {method or 'the resident model'}{on}", start)

    def lacking(self) -> list[tuple[Space, bool]]:
        """Spaces in which some passages have no vector, and (True) those whose model has changed since.

        What the model at home makes is only known once it is in memory.
        """
        spaces = self.collection.spaces()
        found = [(space, self._stale(space, spaces)) for space in spaces]
        return [(space, stale) for space, stale in found if stale or space.missing]

    def _stale(self, space: Space, spaces: list[Space]) -> bool:
        known = space.method in METHODS or space.method in ENCODERS
        if not known or self.runtime.state.phase != "ready" or not self.at_home(space):
            return False
        embedder = self.embedder(space.method)
        renewed = any(one.fingerprint == embedder.fingerprint and one.ready for one in spaces)
        return earlier(space, embedder) and not renewed

    def complete(self, space: Space) -> bool:
        """Have the vectors made that a space lacks, or new ones in the place of those of an earlier model."""
        return self.add_space(space.method, "" if self.at_home(space) else place_of(self.settings.home, space.model))

    def finish(self, space: Space) -> bool:
        """Have the missing vectors of a space made in the background; False if that is under way already."""

        def start(stop: threading.Event) -> Iterator[Progress]:
            return self.collection.add_space(self.of_space(space), stop=stop)

        return self.works.add(f"vectors of {space.method} on {space.model}", start)

    def known(self, method: str, model: str = "") -> Embedder:
        """A model of any place ("": the one at home) under a method; its place is noted for the next time."""
        if not model:
            return self.embedder(method)
        embedder = self.runtime.embedder(method, model)
        remember(self.settings.home, embedder.engine.name, model)
        return embedder

    def of_space(self, space: Space) -> Embedder:
        """The embedder that made the vectors of a space; its model is loaded if it is not at home."""
        name = space.method if space.method in METHODS or space.method in ENCODERS else ""
        if self.at_home(space):
            embedder = self.embedder(name)
        else:
            embedder = self.runtime.embedder(name, place_of(self.settings.home, space.model))
        if embedder.fingerprint != space.fingerprint:
            raise ValueError(
                f"the vectors of {space.method} were made with another version of {space.model}, or with other "
                "settings: make them again"
            )
        return embedder

    def of_contender(self, one: Contender) -> Embedder:
        """The embedder of a column: of its space, or of a method on the model it names or the one at home."""
        if one.space is not None:
            return self.of_space(one.space)
        return self.known(one.method, place_of(self.settings.home, one.model) if one.model else "")

    def at_home(self, space: Space) -> bool:
        """Whether the model of a space is the one that searches and answers."""
        return self.runtime.home_name() == space.model

    def promote(self, space: Space) -> None:
        """Make a space the default; its model becomes the one at home."""
        self.collection.promote(space.id)
        self.settle_in(space)

    def rollback(self) -> Space | None:
        """Make the default before the last promotion the default again."""
        self.collection.rollback()
        space = self.collection.default_space()
        if space is not None:
            self.settle_in(space)
        return space

    def settle_in(self, space: Space) -> None:
        """Bring the model of the default space home."""
        if not self.at_home(space):
            self.runtime.load(place_of(self.settings.home, space.model))

    def card(self) -> Card:
        """What the resident model says of itself; the defaults while none is there."""
        return read_card(self.runtime.state.model or BUNDLED)

    def writes(self) -> bool:
        """Whether the resident model can write at all; True while none is there."""
        return self.runtime.state.phase != "ready" or writer_of(self.embedder()) is not None

    def inspect(self, method: str, side: Side, text: str) -> dict[str, Any]:
        """Each token the model is given for a text under a method, with its part and its weight in the vector."""
        return laid_open(self.embedder(method), side, text)

    def close(self) -> None:
        """Let the model go, and what else was opened."""
        self.papers.close()
        self.runtime.close()
        self.collection.close()

    def uploads(self) -> Path:
        """Where uploaded files are kept: they are documents of the collection like any other."""
        folder = self.settings.home / "uploads" / self.settings.collection
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def embedder_of(runtime: Runtime, collection: Collection, method: str = "") -> Embedder:
    """The resident model under a method: the one asked for, else the settings', the collection's, the model's own."""
    method = method or runtime.settings.method
    space = None if method else collection.default_space()
    if space is None or space.model != runtime.home_name():
        return runtime.embedder(method)
    return runtime.embedder(space.method if space.method in METHODS or space.method in ENCODERS else "")


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
    collection = Collection.open(settings.make_home(), settings.collection)
    runtime = Runtime(at_home(settings, collection), opener)
    runtime.warm_up().add_done_callback(lambda _: settle())
    desk = Desk(runtime, collection, partial(embedder_of, runtime, collection))
    errands = Errands(lambda space: house.of_space(space), lambda space: near(house, space))
    works = Works()
    bench = Bench(collection, works, lambda one: house.of_contender(one), settings.home / "cache" / "eval")
    house = House(settings, runtime, collection, desk, works, Papers(), errands, bench)
    return house


def at_home(settings: Settings, collection: Collection) -> Settings:
    """The settings with the model of the collection's default space, where none is asked for and it is still there."""
    space = collection.default_space()
    if settings.model or space is None or space.model == BUNDLED:
        return settings
    try:
        place = place_of(settings.home, space.model)
    except ValueError:  # it has gone: the bundled one searches by words, and the page says what is missing
        return settings
    return settings.model_copy(update={"model": place}) if "/" in place or "\\" in place else settings


def near(house: House, space: Space) -> bool:
    """Whether a query to a space can be answered without loading a model."""
    try:
        return house.runtime.in_memory(place_of(house.settings.home, space.model))
    except ValueError:
        return False


__all__ = ["BUNDLED", "House", "open_house"]
