"""An embedder behind the worker: the same face, with queries first and documents in small pieces. Knows no model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.worker import Priority, Worker

if TYPE_CHECKING:  # the command line makes a worker at start-up, long before numpy or a model is wanted
    import numpy as np

    from embedder.embedder import Embedder

T = TypeVar("T")
PIECE_SECONDS = 0.25
FIRST_RATE = 20_000.0  # characters per second, until the model has shown its own
QUERY_CHARACTERS = 2000  # of a piece of many questions that wait like documents


class Access(Protocol):
    """The way to an embedder whose model may first have to be brought into memory."""

    def call(self, priority: Priority, work: Callable[[Embedder], T]) -> T:
        """Do one piece of work on the worker, with the model in memory, and wait for it."""


class Direct:
    """The way to an embedder whose model is in memory anyway."""

    def __init__(self, embedder: Embedder, worker: Worker) -> None:
        self._embedder, self._worker = embedder, worker

    def call(self, priority: Priority, work: Callable[[Embedder], T]) -> T:
        """One piece of work on the worker."""
        return self._worker.call(priority, lambda: work(self._embedder))


class Limited:
    """The way to an embedder with another limit."""

    def __init__(self, access: Access, tokens: int) -> None:
        self._access, self._tokens = access, tokens

    def call(self, priority: Priority, work: Callable[[Embedder], T]) -> T:
        """The same work with the embedder's limit changed."""
        return self._access.call(priority, lambda embedder: work(embedder.limited(self._tokens)))


class Queued:
    """An embedder whose every call goes through the worker; everything else it answers is the embedder's own."""

    def __init__(
        self, embedder: Embedder, worker: Worker, access: Access | None = None, *, patient: bool = False
    ) -> None:
        """`access`: how to get at it later, where its model may leave meanwhile. `patient`: questions wait too."""
        self._embedder = embedder
        self._worker = worker
        self._access = access or Direct(embedder, worker)
        self._patient = patient
        self._rate = FIRST_RATE

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def patient(self) -> Queued:
        """The same embedder for a measurement: its many questions let those of readers go first."""
        return Queued(self._embedder, self._worker, self._access, patient=True)

    def limited(self, tokens: int) -> Queued:
        """The same embedder with another limit."""
        way = Limited(self._access, tokens)
        return Queued(self._embedder.limited(tokens), self._worker, way, patient=self._patient)

    def queries(self, texts: Sequence[str], *, instruction: str = "") -> np.ndarray:
        """Vectors of questions, ahead of all other work: (n, dim)."""
        if not self._patient:
            return self._access.call(Priority.QUERY, lambda e: e.queries(texts, instruction=instruction))
        import numpy as np

        size = max(1, QUERY_CHARACTERS // max(1, max(map(len, texts), default=1)))
        parts = [texts[at : at + size] for at in range(0, len(texts), size)]
        return np.concatenate([self._some(part, instruction) for part in parts])

    def _some(self, texts: Sequence[str], instruction: str) -> np.ndarray:
        return self._access.call(Priority.BULK, lambda e: e.queries(texts, instruction=instruction))

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of passages, (n, dim), in pieces of about PIECE_SECONDS: a query waits for one of them at most."""
        import numpy as np

        if not texts:
            return self._access.call(Priority.BULK, lambda e: e.documents(texts))
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # like lengths together need little padding
        rows = [self._piece([texts[at] for at in piece]) for piece in self._pieces(order, texts)]
        together = np.concatenate(rows)
        result = np.empty_like(together)
        result[order] = together
        return result

    def _pieces(self, order: list[int], texts: Sequence[str]) -> Iterator[list[int]]:
        """Positions of `order` in turn, each piece as many characters as the model now does in PIECE_SECONDS."""
        piece: list[int] = []
        left = self._rate * PIECE_SECONDS
        for at in order:
            if piece and len(texts[at]) > left:
                yield piece
                piece, left = [], self._rate * PIECE_SECONDS
            piece.append(at)
            left -= len(texts[at])
        if piece:
            yield piece

    def _piece(self, texts: list[str]) -> np.ndarray:
        """One piece on the worker; its time leads the size of the next."""

        def work(embedder: Embedder) -> np.ndarray:
            start = time.perf_counter()
            vectors = embedder.documents(texts)
            seconds = max(time.perf_counter() - start, 1e-4)
            self._rate = min(sum(map(len, texts)) / seconds, 2 * self._rate)  # a lucky piece doubles it at most
            return vectors

        return self._access.call(Priority.BULK, work)


def patient(embedder: Any) -> Any:
    """An embedder whose many questions let those of readers go first, where it can be one."""
    return embedder.patient() if hasattr(embedder, "patient") else embedder
