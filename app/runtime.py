"""One model resident in one process, reached through one worker. Knows no page, no file and no SQL.

A page or a command asks for an embedder and uses it as if it were alone; the worker lets queries go ahead of answers
and answers ahead of indexing. Loading is work like any other, so nothing ever runs on a model that is half there.

The model that searches and answers is at home. Vectors of another one bring that one in as a visitor, in its place:
two large models do not fit where one does. Whoever wants the home model next brings it back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    """What is at home now; `reason` tells why the last load failed, even when an older model serves again.

    `visitor` is the model that is in memory in its place, for vectors of its own.
    """

    phase: Literal["empty", "loading", "ready", "failed"]
    model: str = ""
    reason: str = ""
    visitor: str = ""


def open_resident(model: str, settings: Settings) -> Engine:
    """The engine of a model, placed as the settings say."""
    from embedder.engine import open_engine

    return open_engine(model, device=settings.device, dtype=settings.dtype, revision=settings.revision or None)


class Runtime:
    """The engine in memory and the worker in front of it."""

    def __init__(self, settings: Settings, opener: Callable[[str, Settings], Engine] = open_resident) -> None:
        self.settings = settings
        self.worker = Worker()
        self._opener = opener
        self._state = State("empty")
        self._engine: Engine | None = None
        self._home = ""  # the model that searches and answers, as it was opened
        self._home_name = ""  # as spaces name it
        self._resident = ""  # what `_engine` was opened as: home, or a visitor
        self._plain: dict[str, Embedder] = {}  # of `_engine`, by method
        self._embedders: dict[tuple[str, str], Embedder] = {}
        self._loading: Future[Engine] | None = None
        self._lock = threading.Lock()  # guards `_loading`, never held while a model loads
        self._holds = 0
        self._free = threading.Condition()  # guards `_holds`

    @property
    def state(self) -> State:
        """What is at home, readable at any time from any thread."""
        return self._state

    def warm_up(self) -> Future[Engine]:
        """Start loading the settings' model in the background unless one is there or on its way."""
        with self._lock:
            if self._loading is not None and not (self._loading.done() and not self._home):
                return self._loading
            return self._start(self.settings.model or BUNDLED)

    def load(self, model: str) -> Future[Engine]:
        """Put another model in the place of the one at home; if that fails, the older one comes back."""
        with self._lock:
            return self._start(model)

    def engine(self) -> Engine:
        """The engine at home, once it is there."""
        self.home_name()  # a failed change leaves the older engine, which is then the answer
        before, engine, after = self._resident, self._engine, self._resident  # a visitor may come at any moment
        if engine is not None and before == after == self._home:
            return engine
        return self.worker.call(Priority.QUERY, lambda: self._bring(self._home))

    def home_name(self) -> str:
        """How spaces name the model at home, which need not be in memory now."""
        self.warm_up().exception()
        if not self._home:
            raise RuntimeError(self._state.reason or "no model is loaded")
        return self._home_name

    def embedder(self, method: str = "", model: str = "") -> Embedder:
        """A model ("": the one at home) with a method ("": the settings', else its own), safe from any thread.

        Another model is loaded once to know it, and again whenever its vectors are wanted after it has left.
        """
        engine = None if model else self.engine()
        model, method = model or self._home, method or ("" if model else self.settings.method)
        known = self._embedders.get((model, method))
        if known is None or (engine is not None and known.engine is not engine):  # it was away meanwhile
            access = _Way(self, model, method)
            plain = access.call(Priority.QUERY, lambda embedder: embedder)
            known = self._embedders[model, method] = cast("Embedder", Queued(plain, self.worker, access))
        return known

    def submit(self, priority: Priority, work: Callable[[], T]) -> Future[T]:
        """Queue a piece of work that uses the engine."""
        return self.worker.submit(priority, work)

    def stream(self, start: Callable[[], Iterator[T]], priority: Priority = Priority.ANSWER) -> Iterator[T]:
        """Items of an iterator that uses the engine at home, one step at a time: a query can go in between."""
        with self.holding():
            yield from self.worker.stream(priority, start)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep the model at home in memory: visitors wait until this is over."""
        with self._free:
            self._holds += 1
        try:
            self.engine()
            yield
        finally:
            with self._free:
                self._holds -= 1
                self._free.notify_all()

    def in_memory(self, model: str) -> bool:
        """Whether work for a model can begin without loading it first."""
        return self._resident == model

    def through(self, model: str, method: str, priority: Priority, work: Callable[[Embedder], T]) -> T:
        """One piece of work on the worker with a model in memory; a visitor waits while an answer is being written."""

        def attempt() -> tuple[bool, T | None]:
            if self._holds and model not in (self._home, self._resident):
                return False, None
            return True, work(self._under(model, method))

        while True:
            with self._free:
                self._free.wait_for(lambda: not self._holds or model == self._home)
            done, value = self.worker.call(priority, attempt)
            if done:
                return cast("T", value)

    def close(self) -> None:
        """Finish what is queued and let the model go."""
        self.worker.close()
        self._unload()
        self._home = ""
        self._state = State("empty")

    def _start(self, model: str) -> Future[Engine]:
        self._state = State("loading", model)
        self._loading = self.worker.submit(Priority.QUERY, lambda: self._replace(model))
        return self._loading

    def _replace(self, model: str) -> Engine:
        """Unload, then load: two large models do not fit where one does. On failure the older one is loaded again."""
        before = self._home
        try:
            engine = self._bring(model, visitor=False)
        except Exception as error:
            LOG.warning("%s could not be loaded: %s", model, error)
            self._state = State("failed", model, str(error))
            if before:
                self._bring(before, visitor=False)
                self._state = State("ready", before, str(error))
            raise
        self._home, self._home_name = model, engine.name
        self._state = State("ready", model)
        return engine

    def _bring(self, model: str, *, visitor: bool = True) -> Engine:
        """The engine of a model, on the worker: loaded in the place of another one if it is not there."""
        if self._engine is None or self._resident != model:
            self._unload()
            self._engine = self._opener(model, self.settings)
            self._resident = model
        if visitor:
            self._state = replace(self._state, visitor="" if model == self._home else model)
        return self._engine

    def _unload(self) -> None:
        engine, self._engine, self._resident = self._engine, None, ""
        self._plain.clear()
        if engine is not None:
            engine.close()

    def _under(self, model: str, method: str) -> Embedder:
        from embedder.embedder import open_embedder

        engine = self._bring(model)
        if method not in self._plain:
            self._plain[method] = open_embedder(model, method, engine=engine)
        return self._plain[method]


class _Way:
    """How a queued embedder gets at its model, which may have left since the last time."""

    def __init__(self, runtime: Runtime, model: str, method: str) -> None:
        self._runtime, self._model, self._method = runtime, model, method

    def call(self, priority: Priority, work: Callable[[Embedder], T]) -> T:
        """One piece of work with the model in memory."""
        return self._runtime.through(self._model, self._method, priority, work)
