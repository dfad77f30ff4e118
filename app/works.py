"""Long work of the pages, one piece after another in a thread of its own; what it does is told by job rows.

A page asks for a folder to be read and goes on: the job row is what any page of any process shows. It knows no page.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work: what a person calls it, and a function that is iterated to its end."""

    name: str
    start: Callable[[threading.Event], Iterator[Any]]


class Works:
    """Does tasks in the order they came; the one under way can be stopped, the waiting ones taken back."""

    def __init__(self) -> None:
        self._waiting: deque[Task] = deque()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._current = ""
        self._progress: Any = None
        self._problems: deque[tuple[str, str]] = deque(maxlen=5)
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> str:
        """The name of the task under way, or ""."""
        return self._current

    @property
    def progress(self) -> Any:
        """What the task under way told last, None before it told anything."""
        return self._progress

    @property
    def waiting(self) -> list[str]:
        """Names of the tasks that have not begun."""
        return [task.name for task in list(self._waiting)]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """The last tasks that failed, each with its reason."""
        return list(self._problems)

    def add(self, name: str, start: Callable[[threading.Event], Iterator[Any]]) -> bool:
        """Queue a task; False where one of that name is under way or waits already."""
        with self._changed:
            if name == self._current or name in self.waiting:
                return False
            self._waiting.append(Task(name, start))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="twofold-works", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return True

    def stop(self, name: str) -> None:
        """Stop the task of that name after its current batch, or take it out of the queue."""
        with self._changed:
            if name == self._current:
                self._stop.set()
            self._waiting = deque(task for task in self._waiting if task.name != name)

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Until nothing is under way or waiting; False if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._current and not self._waiting, timeout_s)

    def dismiss(self) -> None:
        """Forget the problems told so far."""
        self._problems.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                task = self._waiting.popleft()
                self._current, self._progress, self._stop = task.name, None, threading.Event()
            try:
                for progress in task.start(self._stop):
                    self._progress = progress
            except Exception as error:  # the next task must not suffer from this one
                LOG.warning("%s: %s", task.name, error, exc_info=True)
                self._problems.append((task.name, str(error) or type(error).__name__))
            with self._changed:
                self._current = ""
                self._changed.notify_all()
