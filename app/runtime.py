"""One model resident in one process, reached through one worker. Knows no page, no file and no SQL.

A page or a command asks for an embedder and uses it as if it were alone; the worker lets queries go ahead of answers
and answers ahead of indexing. Loading is work like any other, so nothing ever runs on a model that is half there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from app.known_models import BUNDLED
from app.queued import Queued
from app.settings import Settings
from app.worker import Priority, Worker

if TYPE_CHECKING:  # torch takes seconds to import: only when a model is wanted
    from embedder.embedder import Embedder
    from embedder.engine import Engine

T = TypeVar("T")
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What is resident now; `reason` tells why the last load failed, even when an older model serves again."""

    phase: Literal["empty", "loading", "ready", "failed"]
    model: str = ""
    reason: str = ""


def open_resident(model: str, settings: Settings) -> Engine:
    """The engine of a model, placed as the settings say."""
    from embedder.engine import open_engine

    return open_engine(model, device=settings.device, dtype=settings.dtype, revision=settings.revision or None)


class Runtime:
    """The resident engine and the worker in front of it."""

    def __init__(self, settings: Settings, opener: Callable[[str, Settings], Engine] = open_resident) -> None:
        self.settings = settings
        self.worker = Worker()
        self._opener = opener
        self._state = State("empty")
        self._engine: Engine | None = None
        self._resident = ""  # what `_engine` was opened as
        self._embedders: dict[str, Embedder] = {}
        self._loading: Future[Engine] | None = None
        self._lock = threading.Lock()  # guards `_loading`, never held while a model loads

    @property
    def state(self) -> State:
        """What is resident, readable at any time from any thread."""
        return self._state

    def warm_up(self) -> Future[Engine]:
        """Start loading the settings' model in the background unless one is there or on its way."""
        with self._lock:
            if self._loading is not None and not (self._loading.done() and self._engine is None):
                return self._loading
            return self._start(self.settings.model or BUNDLED)

    def load(self, model: str) -> Future[Engine]:
        """Put another model in the place of the resident one; if that fails, the resident one comes back."""
        with self._lock:
            return self._start(model)

    def engine(self) -> Engine:
        """The resident engine, once it is there."""
        self.warm_up().exception()  # a failed change leaves the older engine, which is then the answer
        if self._engine is None:
            raise RuntimeError(self._state.reason or "no model is loaded")
        return self._engine

    def embedder(self, method: str = "") -> Embedder:
        """The resident engine with a method ("": the settings', else the model's own), safe from any thread."""
        engine = self.engine()
        return self.worker.call(Priority.QUERY, lambda: self._embedder(engine, method or self.settings.method))

    def submit(self, priority: Priority, work: Callable[[], T]) -> Future[T]:
        """Queue a piece of work that uses the engine."""
        return self.worker.submit(priority, work)

    def stream(self, start: Callable[[], Iterator[T]], priority: Priority = Priority.ANSWER) -> Iterator[T]:
        """Items of an iterator that uses the engine, one step at a time, so that a query can go in between."""
        return self.worker.stream(priority, start)

    def close(self) -> None:
        """Finish what is queued and let the model go."""
        self.worker.close()
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._state = State("empty")

    def _start(self, model: str) -> Future[Engine]:
        self._state = State("loading", model)
        self._loading = self.worker.submit(Priority.QUERY, lambda: self._replace(model))
        return self._loading

    def _replace(self, model: str) -> Engine:
        """Unload, then load: two large models do not fit where one does. On failure the older one is loaded again."""
        before = self._resident
        self._unload()
        try:
            return self._take(model)
        except Exception as error:
            LOG.warning("%s could not be loaded: %s", model, error)
            self._state = State("failed", model, str(error))
            if before:
                self._take(before, reason=str(error))
            raise

    def _take(self, model: str, reason: str = "") -> Engine:
        self._engine = self._opener(model, self.settings)
        self._resident = model
        self._state = State("ready", model, reason)
        return self._engine

    def _unload(self) -> None:
        engine, self._engine, self._resident = self._engine, None, ""
        self._embedders.clear()
        if engine is not None:
            engine.close()

    def _embedder(self, engine: Engine, method: str) -> Embedder:
        from embedder.embedder import open_embedder

        if engine is not self._engine:
            raise RuntimeError("the model was changed meanwhile: ask again")
        if method not in self._embedders:
            plain = open_embedder(self._resident, method, engine=engine)
            self._embedders[method] = cast("Embedder", Queued(plain, self.worker))
        return self._embedders[method]
