"""Test sets made from a collection's own documents: kept as rows, filtered by a round trip, measured like any other.

Only questions are kept whose source more than one method finds again, and not every method first: what nobody finds is
a poor question, what everybody finds at once tells nothing. So a figure here compares methods on these files, and says
nothing beside a figure from elsewhere. Knows no model beyond the embedders it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.taking import Question, distinct

if TYPE_CHECKING:
    from indexer.evaluate import Evaluation

AGAIN = 10  # a source found among so many first passages is found again
JUDGES = 2  # methods that have to find it
FEW, ALIKE = 20, 0.9  # two that agree on so many questions, in such a share of them, are one
EASY, LOST, DOUBLE = "first for every method", "found again by fewer than two methods", "nearly the same as another"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A kept test set. `origin` is "taken" (from the documents) or "written" (by `model`).

    `details` has the judges, the seed, and how many questions there were and why some were dropped.
    """

    name: str
    origin: str
    model: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    questions: int = 0
    id: int = 0
    created: str = ""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The questions that are worth asking, with the ranks of their sources, and how many were dropped, by reason."""

    kept: list[Question]
    dropped: dict[str, int]


def ranked(questions: Sequence[Question], judged: Mapping[str, "Evaluation"]) -> list[Question]:
    """The questions with the rank of their source under each method.

    `judged` is an evaluation by method of the set whose query "n" is the n-th question.
    """
    ranks: list[dict[str, int | None]] = [{} for _ in questions]
    for name, evaluation in judged.items():
        for row in evaluation.rows:
            number = int(row.query)
            source = str(questions[number].chunk)
            first = [item for item, _ in row.hits[:AGAIN]]
            ranks[number][name] = first.index(source) + 1 if source in first else None
    return [replace(question, ranks=found) for question, found in zip(questions, ranks, strict=True)]


def round_trip(questions: Sequence[Question], wanted: int) -> Filtered:
    """The first `wanted` questions that tell methods apart."""
    dropped = dict.fromkeys((LOST, EASY, DOUBLE), 0)
    fit: list[Question] = []
    known = repeated([question.ranks or {} for question in questions])
    for question in questions:
        reason = why_not({name: rank for name, rank in (question.ranks or {}).items() if name not in known})
        if reason:
            dropped[reason] += 1
        else:
            fit.append(question)
    kept = distinct(fit)
    dropped[DOUBLE] = len(fit) - len(kept)
    return Filtered(kept[:wanted], dropped)


def repeated(ranks: Sequence[Mapping[str, int | None]]) -> set[str]:
    """Judges that say what an earlier one says, such as the same weights in another number format: one voice."""
    names = list(dict.fromkeys(name for row in ranks for name in row))
    found: set[str] = set()
    for at, name in enumerate(names):
        for other in names[:at]:
            pairs = [(row.get(name), row.get(other)) for row in ranks]
            seen = [one == two for one, two in pairs if one is not None or two is not None]
            if len(seen) >= FEW and sum(seen) >= ALIKE * len(seen):
                found.add(name)
    return found


def why_not(ranks: Mapping[str, int | None]) -> str:
    """Why a question with these ranks is no use; "" where it is."""
    found = [rank for rank in ranks.values() if rank is not None]
    if len(found) < JUDGES:
        return LOST
    return EASY if len(found) == len(ranks) and all(rank == 1 for rank in found) else ""


class QuestionSets:
    """The test sets of one collection."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Rows live in the collection's catalogue."""
        self.catalogue = catalogue

    def add(self, made: QuestionSet, questions: Sequence[Question]) -> int:
        """Keep a set with its questions; its id. ValueError where one of that name is there."""
        if not made.name.strip() or made.name == "votes":
            raise ValueError(f"a test set needs a name of its own; got {made.name!r}")
        with self.catalogue.write() as connection:
            if connection.execute(select(c.test_set.c.id).where(c.test_set.c.name == made.name)).scalar():
                raise ValueError(f"there is a test set called {made.name!r} already: choose another name or drop it")
            values = {"name": made.name, "origin": made.origin, "model": made.model, "details": made.details}
            number = c.new_id(connection.execute(insert(c.test_set).values(**values, created=c.now())))
            rows = [_values(question) | {"test_set_id": number} for question in questions]
            if rows:
                connection.execute(insert(c.test_question), rows)
        return number

    def all(self) -> list[QuestionSet]:
        """Every set, newest first."""
        count = func.count(c.test_question.c.id).label("questions")
        joined = select(c.test_set, count).outerjoin(c.test_question).group_by(c.test_set.c.id)
        with self.catalogue.read() as connection:
            return [_set(row) for row in connection.execute(joined.order_by(c.test_set.c.id.desc()))]

    def get(self, name: str) -> QuestionSet:
        """The set of that name; LookupError, with the names there are, where there is none."""
        found = self.all()
        one = next((row for row in found if row.name == name), None)
        if one is None:
            there = ", ".join(row.name for row in found) or "none yet"
            raise LookupError(f"no test set called {name!r} in this collection; there: {there}")
        return one

    def questions(self, number: int) -> list[Question]:
        """The questions of a set in order, each with the chunk its passage is in now (None where it has gone)."""
        wanted = select(c.test_question).where(c.test_question.c.test_set_id == number).order_by(c.test_question.c.id)
        with self.catalogue.read() as connection:
            found = [_question(row) for row in connection.execute(wanted)]
            return settled(connection, found)

    def edit(self, question: int, text: str) -> None:
        """Put a question in other words."""
        if not text.strip():
            raise ValueError("a question without words cannot be asked: remove it instead")
        with self.catalogue.write() as connection:
            row = update(c.test_question).where(c.test_question.c.id == question)
            connection.execute(row.values(text=text.strip(), edited=True))

    def remove(self, questions: Sequence[int]) -> None:
        """Take questions out."""
        with self.catalogue.write() as connection:
            connection.execute(delete(c.test_question).where(c.test_question.c.id.in_(list(questions))))

    def drop(self, number: int) -> None:
        """Forget a set."""
        with self.catalogue.write() as connection:
            connection.execute(delete(c.test_set).where(c.test_set.c.id == number))


def settled(connection: Connection, questions: Sequence[Question]) -> list[Question]:
    """The questions with the chunks their passages are in now: a file that was read again has new ones."""
    ids = {question.chunk for question in questions if question.chunk is not None}
    there = set(connection.execute(select(c.chunk.c.id).where(c.chunk.c.id.in_(ids))).scalars())
    return [
        question if question.chunk in there else replace(question, chunk=_found_again(connection, question))
        for question in questions
    ]


def _found_again(connection: Connection, question: Question) -> int | None:
    wanted = select(c.document.c.id, c.document.c.text).join(c.path).where(c.path.c.path == question.path)
    row = connection.execute(wanted).one_or_none()
    at = row.text.find(question.passage) if row is not None else -1
    if row is None or at < 0:
        return None
    middle = at + len(question.passage) // 2
    holds = select(c.chunk.c.id).where(
        c.chunk.c.document_id == row.id, c.chunk.c.start <= middle, c.chunk.c.end > middle
    )
    return connection.execute(holds.order_by(c.chunk.c.id)).scalars().first()


def _values(question: Question) -> dict[str, Any]:
    return {
        "text": question.text, "kind": question.kind, "chunk_id": question.chunk, "path": question.path,
        "passage": question.passage, "taken": question.taken, "ranks": question.ranks, "edited": question.edited,
    }  # fmt: skip


def _question(row: Any) -> Question:
    return Question(
        text=row.text, kind=row.kind, chunk=row.chunk_id, path=row.path, passage=row.passage, taken=row.taken,
        ranks=row.ranks, edited=row.edited, id=row.id,
    )  # fmt: skip


def _set(row: Any) -> QuestionSet:
    return QuestionSet(
        name=row.name, origin=row.origin, model=row.model, details=row.details or {}, questions=row.questions,
        id=row.id, created=row.created,
    )  # fmt: skip
