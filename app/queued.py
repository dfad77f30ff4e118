"""An embedder behind the worker: the same face, with queries first and documents in small pieces. Knows no model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.worker import Priority, Worker

if TYPE_CHECKING:  # the command line makes a worker at start-up, long before numpy or a model is wanted
    import numpy as np

    from embedder.embedder import Embedder

PIECE_SECONDS = 0.25
FIRST_RATE = 20_000.0  # characters per second, until the model has shown its own


class Queued:
    """An embedder whose every call goes through the worker; everything else it answers is the embedder's own."""

    def __init__(self, embedder: Embedder, worker: Worker) -> None:
        self._embedder = embedder
        self._worker = worker
        self._rate = FIRST_RATE

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def queries(self, texts: Sequence[str], *, instruction: str = "") -> np.ndarray:
        """Vectors of questions, ahead of all other work: (n, dim)."""
        return self._worker.call(Priority.QUERY, lambda: self._embedder.queries(texts, instruction=instruction))

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of passages, (n, dim), in pieces of about PIECE_SECONDS: a query waits for one of them at most."""
        import numpy as np

        if not texts:
            return self._worker.call(Priority.BULK, lambda: self._embedder.documents(texts))
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

        def work() -> np.ndarray:
            start = time.perf_counter()
            vectors = self._embedder.documents(texts)
            seconds = max(time.perf_counter() - start, 1e-4)
            self._rate = min(sum(map(len, texts)) / seconds, 2 * self._rate)  # a lucky piece doubles it at most
            return vectors

        return self._worker.call(Priority.BULK, work)
