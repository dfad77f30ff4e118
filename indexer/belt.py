"""A bounded queue between two threads, weighed rather than counted, that either side can end.

Knows nothing of what it carries.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The other side has ended."""


class Belt(Generic[T]):
    """Carries items first in, first out. One item always fits, however heavy, so nothing can wait for ever."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is in the unit of the weights given to `put`."""
        self.capacity = capacity
        self._items: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._ended = False  # no more will come: what is on the belt is still taken
        self._dropped = False  # nobody takes any more
        self._error: BaseException | None = None
        self._change = threading.Condition()

    def put(self, item: T, weight: int = 1) -> None:
        """Add an item, waiting for room; Closed if the taker is gone."""
        with self._change:
            self._change.wait_for(lambda: self._dropped or not self._items or self._weight + weight <= self.capacity)
            if self._dropped:
                raise Closed
            self._items.append((item, weight))
            self._weight += weight
            self._change.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; an error is raised at the taker once it has taken what came before."""
        with self._change:
            self._ended, self._error = True, error
            self._change.notify_all()

    def drop(self) -> None:
        """Say that nothing more is taken, and throw away what is on the belt."""
        with self._change:
            self._dropped = True
            self._items.clear()
            self._change.notify_all()

    def take(self, timeout_s: float | None = None) -> T | None:
        """The next item; None when none came in time. Closed, or the giver's error, once there will be no more."""
        with self._change:
            self._change.wait_for(lambda: self._items or self._ended, timeout_s)
            if self._items:
                item, weight = self._items.popleft()
                self._weight -= weight
                self._change.notify_all()
                return item
            if not self._ended:
                return None
            raise self._error or Closed

    def __iter__(self) -> Iterator[T]:
        """Take items until the end."""
        while True:
            try:
                item = self.take()
            except Closed:
                return
            if item is not None:
                yield item
