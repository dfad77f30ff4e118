"""Test sets made in the background: questions taken or written, then the round trip; a job row tells. Knows no page."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from app.told import Told
from app.worker import Priority
from indexer import Progress
from indexer.asking import write
from indexer.own import judge
from indexer.taking import passages, take
from indexer.testset import QuestionSet, QuestionSets

if TYPE_CHECKING:
    from app.runtime import Runtime
    from embedder import Embedder, Message
    from indexer import Collection
    from indexer.taking import Question

KIND = "testset"
SPARE = 5  # questions tried for each one wanted: the round trip drops most
MOST = 1000  # questions tried at once


class Author(Protocol):
    """A model that writes, and what it is called."""

    @property
    def name(self) -> str:
        """What it is called."""

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """What follows the messages, piece by piece."""


@dataclass(frozen=True, slots=True)
class Resident:
    """The model at home as an author: piece by piece on the worker, behind every query and answer."""

    name: str
    writer: Any
    runtime: Runtime

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """What follows the messages, piece by piece."""
        return self.runtime.stream(
            lambda: self.writer.stream(messages, stop=stop, max_tokens=max_tokens), Priority.BULK
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: a name and how many questions."""

    name: str
    wanted: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a test set needs a name")
        if not 1 <= self.wanted <= MOST // 2:
            raise ValueError(f"1 to {MOST // 2} questions can be made at once, not {self.wanted}")


@dataclass(slots=True)
class Making:
    """One set on its way. `author` writes, None where questions are taken; `judges` judge beside words, in turn."""

    collection: Collection
    plan: Plan
    judges: Iterable[tuple[str, Embedder]]
    author: Author | None = None
    stop: threading.Event | None = None
    telling: dict[str, str] = field(default_factory=dict)
    asking: str = ""  # which method is at its passages or questions
    asked: int = 0  # how many such rounds have begun
    told: Told = field(init=False)

    def __post_init__(self) -> None:
        self.told = Told(self.collection, KIND, task(self.plan.name), 100, self.telling, self.stop)

    def run(self) -> Iterator[Progress]:
        """Make and keep the set; the job row tells how far it is."""
        with self.told.running():
            yield from self._steps()

    def _steps(self) -> Iterator[Progress]:
        plan = self.plan
        sets = QuestionSets(self.collection.catalogue)
        if any(row.name == plan.name for row in sets.all()):
            raise ValueError(f"there is a test set called {plan.name!r} already: choose another name or drop it")
        tried = min(MOST, SPARE * plan.wanted)
        with self.collection.catalogue.read() as connection:
            found = passages(connection, tried if self.author is not None else 2 * tried, seed=plan.seed)
        details: dict[str, Any] = {"seed": plan.seed, "passages": len(found)}
        questions: list[Question] = []
        if self.author is not None:
            for made in write(
                partial(self._ask, self.author), found[: 2 * plan.wanted], seed=plan.seed, stop=self.stop
            ):
                questions = made.questions
                details |= {"tasks": made.tasks, "unusable": dict(made.dropped)}
                tried_now = len(questions) + sum(made.dropped.values())
                yield self._tell(min(80, 80 * tried_now // (2 * plan.wanted)), f"{len(questions)} questions written")
        else:
            questions = take(found, seed=plan.seed)[:tried]
        if not questions:
            raise ValueError(_nothing(self.author, details))
        yield self._tell(80, f"asking {len(questions)} questions of every method")
        result = judge(self.collection, questions, self.judges, plan.wanted, stop=self.stop, tell=self._encoding)
        details |= {"tried": len(questions), "dropped": result.dropped}
        if not result.kept:
            raise ValueError(_none_kept(result.dropped))
        details["judges"] = list(result.kept[0].ranks or {})
        origin, model = ("written", self.author.name) if self.author is not None else ("taken", "")
        sets.add(QuestionSet(plan.name, origin, model, details), result.kept)
        yield self._tell(100, f"{len(result.kept)} questions kept")

    def _ask(self, author: Author, messages: list[Message], most: int) -> str:
        stop = self.stop or threading.Event()
        return "".join(author.stream(messages, stop=stop, max_tokens=most))

    def _encoding(self, step: Progress) -> None:
        """One method after the other, first passages, then questions: so the bar never goes back."""
        if step.current != self.asking:
            self.asking, self.asked = step.current, self.asked + 1
        rounds = max(2 * sum(space.ready for space in self.collection.spaces()), self.asked)
        share = (self.asked - 1 + step.done / max(step.total, 1)) / rounds
        self._tell(80 + int(19 * share), f"{step.current}: {step.done:,} of {step.total:,}")

    def _tell(self, done: int, text: str) -> Progress:
        self.told.done = done
        self.told.beat(text)
        return Progress(done, 100, current=text)


def _nothing(author: Author | None, details: dict[str, Any]) -> str:
    if author is None:
        return "nothing could be asked of these documents: they hold no titles, headings or prose"
    why = ", ".join(f"{count} {reason}" for reason, count in details.get("unusable", {}).items())
    return f"{author.name} wrote no usable question ({why or 'nothing at all'}): let them be taken from the documents"


def _none_kept(dropped: dict[str, int]) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f"no question tells methods apart here ({why}): more documents, or vectors of one more method, may help"


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
