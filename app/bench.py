"""Measurements the pages start: one after the other in the background, told by a job row, results kept as they come.

What was encoded is cached, so a measurement that was stopped goes on where it was. It knows no page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.contenders import Contender
from app.evaluation import TestSet, evaluate, open_test_set
from app.queued import patient
from app.told import Told
from app.works import Works
from indexer import Progress, Results
from indexer import jobs as rows

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection

KIND = "eval"
PARTS = 1000  # of one contender in the job's count


@dataclass(slots=True)
class Bench:
    """Starts measurements of a collection's contenders; `embedder` opens one of them."""

    collection: Collection
    works: Works
    embedder: Callable[[Contender], Embedder]
    cache: Path
    telling: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, contenders: Sequence[Contender]) -> bool:
        """Measure contenders on a test set; False if that set is being measured already."""

        def begin(stop: threading.Event) -> Iterator[Progress]:
            return self._run(name, contenders, stop)

        return self.works.add(self.task(name), begin)

    def stop(self, job: rows.Job) -> None:
        """End a measurement; the results that are there stay."""
        self.collection.cancel(job.id)
        self.works.stop(job.target)

    def running(self) -> list[rows.Job]:
        """Measurements under way, in whichever process."""
        return [job for job in self.collection.jobs(running=True) if job.kind == KIND]

    @staticmethod
    def task(name: str) -> str:
        """What a person calls a measurement."""
        return f"measurement on {name}"

    def _run(self, name: str, contenders: Sequence[Contender], stop: threading.Event) -> Iterator[Progress]:
        run = _Run(self, self.task(name), len(contenders), stop)
        with run.told.running():
            yield from run.steps(open_test_set(self.collection, name), contenders)


class _Run:
    def __init__(self, bench: Bench, name: str, count: int, stop: threading.Event) -> None:
        self.bench, self.stop = bench, stop
        self.told = Told(bench.collection, KIND, name, count * PARTS, bench.telling, stop)

    def steps(self, test: TestSet, contenders: Sequence[Contender]) -> Iterator[Progress]:
        results = Results(self.bench.collection.catalogue)
        pairs = self._opened(contenders)
        found = evaluate(
            test, pairs, collection=self.bench.collection, cache=self.bench.cache, stop=self.stop, tell=self.tell,
        )  # fmt: skip
        for one, result in found:
            results.keep(result)
            self.told.done += PARTS
            yield Progress(self.told.done, self.told.total, current=one.label)

    def _opened(self, contenders: Sequence[Contender]) -> Iterator[tuple[Contender, Embedder | None]]:
        for one in contenders:
            self.told.beat(one.title)
            yield one, None if one.mode == "words" else patient(self.bench.embedder(one))

    def tell(self, step: Progress) -> None:
        """Note how far the texts of one contender are, and hear whether somebody wants it to end."""
        ahead = int(PARTS * 0.9 * step.done / max(step.total, 1))
        self.told.beat(f"{step.current}: {step.done:,} of {step.total:,} texts", ahead=ahead)
