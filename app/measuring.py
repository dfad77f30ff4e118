"""Tasks beyond retrieval and the passkey test, the same way for the command line and the pages. Knows no page.

A contender's vectors are what is judged: words alone have none, and vectors with words no other figure than vectors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.contenders import BOTH, WORDS, Contender
from app.queued import patient
from app.told import Told
from indexer import Progress
from indexer.measured import PASSKEY, Measured, Measurements, of_cells, of_task
from indexer.passkey import DOCUMENTS, QUESTIONS, Cell, lengths, passkey
from indexer.tasks import TASKS, run_task

if TYPE_CHECKING:
    from embedder import Embedder
    from indexer import Collection
    from indexer.passkey import Language

KIND = "task"
PARTS = 1000  # of one contender in the job's count
Tell = Callable[[Progress], None]
Open = Iterable[tuple[Contender, "Embedder | None"]]


@dataclass(frozen=True, slots=True)
class Trials:
    """How the passkey test is to be run; `longest` 0 is the model's context."""

    languages: tuple[Language, ...] = ("en", "zh")
    longest: int = 0
    documents: int = DOCUMENTS
    questions: int = QUESTIONS


def judged(labels: Sequence[str]) -> list[str]:
    """The labels that have vectors of their own, each once: what words add is no part of these tasks."""
    return list(dict.fromkeys(label.removesuffix(BOTH) for label in labels if label != WORDS))


def task_figures(
    folder: Path, contenders: Open, *, instruction: str = "", stop: threading.Event | None = None,
    tell: Tell | None = None,
) -> Iterator[Measured]:  # fmt: skip
    """The figures of each contender on a folder of any kind but retrieval, as they come."""
    for one, embedder in contenders:
        if embedder is None:
            raise ValueError(f"{one.label} has no vectors: tasks other than retrieval need some")
        given = instruction or one.instruction
        result = run_task(folder, embedder, instruction=given, stop=stop, tell=tell)
        yield of_task(result, one.label or result.method, embedder.engine.name)


def passkey_figures(
    contenders: Open, trials: Trials | None = None, *, stop: threading.Event | None = None, tell: Tell | None = None
) -> Iterator[Measured]:
    """The passkey test of each contender, as they come."""
    for one, embedder in contenders:
        if embedder is None:
            raise ValueError(f"{one.label} has no vectors: the passkey test needs some")
        started = time.perf_counter()
        cells = list(_cells(embedder, trials or Trials(), stop, tell))
        label = one.label or embedder.method.name
        seconds = round(time.perf_counter() - started, 3)
        yield of_cells(cells, label, embedder.engine.name, embedder.fingerprint, seconds)


def _cells(embedder: Embedder, trials: Trials, stop: threading.Event | None, tell: Tell | None) -> Iterator[Cell]:
    longest = min(trials.longest or embedder.engine.context, embedder.engine.context)
    total, done = sum(lengths(longest)) * len(trials.languages), 0
    steps = passkey(
        embedder, trials.languages, longest=longest, documents=trials.documents, questions=trials.questions, stop=stop
    )
    for cell in steps:
        done += cell.length  # the work grows with the length
        if tell is not None:
            tell(Progress(done, total, current=f"{embedder.method.name} {cell.language} {cell.length}"))
        yield cell


@dataclass(slots=True)
class Run:
    """One measurement in the background: its figures are kept as they come, its job row tells how far it is."""

    collection: Collection
    name: str
    contenders: Sequence[Contender]
    embedder: Callable[[Contender], Embedder]
    telling: dict[str, str]
    stop: threading.Event
    told: Told = field(init=False)

    def __post_init__(self) -> None:
        total = PARTS * len(self.contenders)
        self.told = Told(self.collection, KIND, self.name, total, self.telling, self.stop)

    def steps(self, figures: Callable[[Open, threading.Event, Tell], Iterator[Measured]]) -> Iterator[Progress]:
        """Measure with `figures`, which is given the contenders, what stops it and what it tells."""
        kept = Measurements(self.collection.catalogue)
        with self.told.running():
            for measured in figures(self._opened(), self.stop, self._tell):
                kept.keep(measured)
                self.told.done += PARTS
                yield Progress(self.told.done, self.told.total, current=measured.label)

    def _opened(self) -> Open:
        for one in self.contenders:
            self.told.beat(one.title)
            yield one, patient(self.embedder(one))

    def _tell(self, step: Progress) -> None:
        ahead = int(PARTS * 0.95 * step.done / max(step.total, 1))
        self.told.beat(f"{step.current}: {step.done:,} of {step.total:,}", ahead=ahead)


def title_of(task: str) -> str:
    """What a person calls a task kind."""
    return "Passkey" if task == PASSKEY else TASKS[task].title if task in TASKS else task
