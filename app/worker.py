"""One thread that does everything a model is needed for, most urgent first. Knows no model.

A query goes ahead of an answer's next token, and both ahead of indexing. Nothing that runs is interrupted, so whoever
submits long work submits it in small pieces: a query then waits for one piece at most.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """How urgent a piece of work is; lower goes first."""

    QUERY = 0
    ANSWER = 1
    BULK = 2
    LAST = 3


class Worker:
    """A single thread behind a queue ordered by priority, then by arrival."""

    def __init__(self, name: str = "twofold-worker") -> None:
        self._queue: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._closed = False
        self._lock = threading.Lock()  # between the last piece taken and the door closed
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, priority: Priority, work: Callable[[], T]) -> Future[T]:
        """Queue one piece of work; the future gives its result or its exception."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # whoever waits must hear of it, whatever it was
                future.set_exception(error)

        with self._lock:
            if self._closed:
                raise RuntimeError("the worker is closed: this program is shutting down")
            self._queue.put((int(priority), next(self._order), run))
        return future

    def call(self, priority: Priority, work: Callable[[], T]) -> T:
        """Do one piece of work on the worker and wait for it; on the worker itself, do it at once."""
        if threading.current_thread() is self._thread:
            return work()
        return self.submit(priority, work).result()

    def stream(self, priority: Priority, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """An iterator each of whose steps is one piece of work, so that more urgent work goes in between."""
        steps = self.call(priority, start)
        end = object()
        try:
            while (item := self.call(priority, lambda: next(steps, end))) is not end:
                yield item  # type: ignore[misc]  # the sentinel never leaves
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                with contextlib.suppress(RuntimeError):  # a closed worker has nothing left to end
                    self.call(priority, close)

    def waiting(self) -> int:
        """How many pieces have not started."""
        return self._queue.qsize()

    def close(self, timeout_s: float = 30.0) -> None:
        """Finish what is queued, take nothing more, and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put((int(Priority.LAST), next(self._order), self._stop))
        self._thread.join(timeout_s)

    def _stop(self) -> None:
        raise SystemExit

    def _work(self) -> None:
        while True:
            _, _, run = self._queue.get()
            try:
                run()
            except SystemExit:
                return
