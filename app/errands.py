"""Query vectors of models that are not in memory: fetched in the background, one model after the other.

A page asks for a vector and gets an errand at once: what it waits for can be told, and its vector is kept for the
next time. It knows no page and no collection.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

    from embedder import Embedder
    from indexer import Space

KEPT = 256


@dataclass(slots=True)
class Errand:
    """A query on its way to a model; `seconds` is encoding alone, `waited` all the rest."""

    space: Space
    query: str
    instruction: str
    vector: np.ndarray | None = None
    reason: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def embedder(self) -> Embedder:
        """What a search needs to know of an embedder whose vector is there already."""
        space = self.space
        known = SimpleNamespace(
            fingerprint=space.fingerprint, dim=space.dim, method=SimpleNamespace(name=space.method),
            engine=SimpleNamespace(name=space.model),
        )  # fmt: skip
        return cast("Embedder", known)


class Errands:
    """Runs errands in a thread of its own, those for the model in memory first."""

    def __init__(self, embedder: Callable[[Space], Embedder], near: Callable[[Space], bool]) -> None:
        """`embedder` gives the model of a space, loading it; `near` tells whether it is in memory."""
        self._embedder, self._near = embedder, near
        self._known: OrderedDict[tuple[str, str, str], Errand] = OrderedDict()
        self._waiting: list[Errand] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def send(self, space: Space, query: str, instruction: str = "") -> Errand:
        """The errand for a query, begun if it is new; one that failed is tried again."""
        key = (space.fingerprint, query, instruction)
        with self._changed:
            known = self._known.get(key)
            if known is not None and not (known.over.is_set() and known.reason):
                self._known.move_to_end(key)
                return known
            made = self._known[key] = Errand(space, query, instruction)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            self._waiting.append(made)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="twofold-errands", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return made

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                at = next((n for n, one in enumerate(self._waiting) if self._near(one.space)), 0)
                errand = self._waiting.pop(at)
            try:
                embedder = self._embedder(errand.space)
                started = time.monotonic()
                errand.vector = embedder.queries([errand.query], instruction=errand.instruction)[0]
                errand.seconds = time.monotonic() - started
            except Exception as error:  # told beside the column
                errand.reason = str(error) or type(error).__name__
            errand.waited = time.monotonic() - errand.begun - errand.seconds
            errand.over.set()
