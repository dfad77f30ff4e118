"""Test sets made in the background: questions taken or written, then the round trip; a job row tells. Knows no page."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from indexer import Progress
from indexer import jobs as rows
from indexer.asking import write
from indexer.evaluate import Stopped
from indexer.own import judge
from indexer.taking import passages, take
from indexer.testset import QuestionSet, QuestionSets

if TYPE_CHECKING:
    from embedder import Embedder, Message
    from indexer import Collection
    from indexer.taking import Question

KIND = "testset"
SPARE = 5  # questions tried for each one wanted: the round trip drops most
MOST = 1000  # questions tried at once


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: a name, how many questions, and whether a model writes them or they are taken."""

    name: str
    wanted: int = 50
    written: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a test set needs a name")
        if not 1 <= self.wanted <= MOST // 2:
            raise ValueError(f"1 to {MOST // 2} questions can be made at once, not {self.wanted}")


@dataclass(slots=True)
class Making:
    """One set on its way. `author` writes, "" for taken questions; `embedders` judge beside words."""

    collection: Collection
    plan: Plan
    embedders: Sequence[Embedder]
    author: Any = None
    stop: threading.Event | None = None
    job: int = 0
    told: str = ""

    def run(self) -> Iterator[Progress]:
        """Make and keep the set; the job row tells how far it is."""
        catalogue = self.collection.catalogue
        with catalogue.write() as connection:
            self.job = rows.create(connection, KIND, task(self.plan.name), total=100)
        state, error = "failed", ""
        try:
            yield from self._steps()
            state = "done"
        except Stopped:
            state = "cancelled"
        except BaseException as reason:
            error = str(reason) or type(reason).__name__
            raise
        finally:
            with catalogue.write() as connection:
                rows.end(connection, self.job, state, error=error)

    def _steps(self) -> Iterator[Progress]:
        plan = self.plan
        sets = QuestionSets(self.collection.catalogue)
        if any(row.name == plan.name for row in sets.all()):
            raise ValueError(f"there is a test set called {plan.name!r} already: choose another name or drop it")
        tried = min(MOST, SPARE * plan.wanted)
        with self.collection.catalogue.read() as connection:
            found = passages(connection, tried if plan.written else 2 * tried, seed=plan.seed)
        details: dict[str, Any] = {"seed": plan.seed, "passages": len(found)}
        questions: list[Question] = []
        if plan.written:
            for made in write(self._ask, found[: 2 * plan.wanted], seed=plan.seed, stop=self.stop):
                questions = made.questions
                details |= {"tasks": made.tasks, "unusable": dict(made.dropped)}
                tried_now = len(questions) + sum(made.dropped.values())
                yield self._tell(min(80, 80 * tried_now // (2 * plan.wanted)), f"{len(questions)} questions written")
        else:
            questions = take(found, seed=plan.seed)[:tried]
        if not questions:
            raise ValueError("nothing could be asked of these documents: they hold no titles, headings or prose")
        yield self._tell(80, f"asking {len(questions)} questions of every method")
        result = judge(self.collection, questions, self.embedders, plan.wanted, stop=self.stop, tell=self._encoding)
        details |= {"tried": len(questions), "dropped": result.dropped, "judges": _judges(result.kept, self.embedders)}
        origin, model = ("written", self.embedders[0].engine.name) if plan.written else ("taken", "")
        sets.add(QuestionSet(plan.name, origin, model, details), result.kept)
        yield self._tell(100, f"{len(result.kept)} questions kept")

    def _ask(self, messages: list[Message], most: int) -> str:
        stop = self.stop or threading.Event()
        return "".join(self.author.stream(messages, stop=stop, max_tokens=most))

    def _encoding(self, step: Progress) -> None:
        self._tell(80 + int(19 * step.done / max(step.total, 1)), f"{step.current}: {step.done:,} of {step.total:,}")

    def _tell(self, done: int, text: str) -> Progress:
        self.told = text
        with self.collection.catalogue.write() as connection:
            wanted_to_stop = rows.beat(connection, self.job, done=done)
        if wanted_to_stop or (self.stop is not None and self.stop.is_set()):
            raise Stopped(f"{self.plan.name}: stopped")
        return Progress(done, 100, current=text)


def _judges(kept: Sequence[Question], embedders: Sequence[Embedder]) -> list[str]:
    return list(kept[0].ranks or {}) if kept else ["words", *(embedder.method.name for embedder in embedders)]


def task(name: str) -> str:
    """What a person calls the making of a set."""
    return f"test set {name}"


def provenance(made: QuestionSet) -> str:
    """In one sentence: where the questions come from, and what that means for the figures."""
    if made.origin == "written":
        return (
            f"{made.model} wrote these questions and is among the methods they judge: generator and judge are related, "
            "so a method of the same model may look better here than it is."
        )
    return (
        "These questions are titles, headings and sentences taken out of the documents (inverse cloze), because no "
        "model wrote them: they repeat the documents' own words more than readers do. What was taken is cut out of its "
        "passage before anything is measured."
    )
