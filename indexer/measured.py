"""Figures of tasks that are no retrieval, and of the passkey test, kept as rows so that they can be compared over time.

Knows no model and measures nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select

from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.metrics import Interval
from indexer.passkey import Cell
from indexer.tasks import TaskResult

PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one contender on one set; of the passkey test one for each language and length: "en 256"."""

    task: str
    dataset: str
    label: str
    model: str
    fingerprint: str
    figures: dict[str, Interval] = field(default_factory=dict)
    items: int = 0
    seconds: float = 0.0
    id: int = 0
    created: str = ""


def of_task(result: TaskResult, label: str, model: str) -> Measured:
    """A task's result as it is kept."""
    return Measured(
        task=result.task, dataset=result.dataset, label=label, model=model, fingerprint=result.fingerprint,
        figures=result.metrics, items=result.items, seconds=result.seconds,
    )  # fmt: skip


def of_cells(cells: Iterable[Cell], label: str, model: str, fingerprint: str, seconds: float = 0.0) -> Measured:
    """A passkey test as it is kept; `items` is the number of questions of each length."""
    rows = list(cells)
    figures = {f"{cell.language} {cell.length}": cell.accuracy for cell in rows}
    items = min((cell.questions for cell in rows), default=0)
    return Measured(PASSKEY, PASSKEY, label, model, fingerprint, figures, items, seconds)


def cell_of(name: str) -> tuple[str, int]:
    """Language and length of a passkey figure's name."""
    language, _, length = name.partition(" ")
    return language, int(length)


class Measurements:
    """The kept figures of one collection."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Rows live in the collection's catalogue."""
        self.catalogue = catalogue

    def keep(self, one: Measured) -> int:
        """Store figures; their id."""
        figures = {name: [value.value, value.low, value.high] for name, value in one.figures.items()}
        with self.catalogue.write() as connection:
            made = connection.execute(insert(c.measured).values(
                task=one.task, dataset=one.dataset, label=one.label, model=one.model, fingerprint=one.fingerprint,
                figures=figures, items=one.items, seconds=one.seconds, created=c.now(),
            ))  # fmt: skip
            return c.new_id(made)

    def all(self, task: str = "") -> list[Measured]:
        """Everything kept, newest first, of one task or of all."""
        wanted = select(c.measured).order_by(c.measured.c.id.desc())
        with self.catalogue.read() as connection:
            rows = connection.execute(wanted.where(c.measured.c.task == task) if task else wanted).all()
        return [_measured(row) for row in rows]

    def latest(self) -> dict[tuple[str, str], list[Measured]]:
        """By task and set the newest figures of each label on each model."""
        newest: dict[tuple[str, str], dict[tuple[str, str], Measured]] = {}
        for row in self.all():
            newest.setdefault((row.task, row.dataset), {}).setdefault((row.label, row.fingerprint), row)
        return {key: list(rows.values()) for key, rows in newest.items()}

    def forget(self, task: str, dataset: str) -> None:
        """Remove all figures of one set."""
        with self.catalogue.write() as connection:
            gone = delete(c.measured).where(c.measured.c.task == task, c.measured.c.dataset == dataset)
            connection.execute(gone)


def _measured(row: Any) -> Measured:
    values = dict(row._mapping)
    values["figures"] = {name: Interval(*figures) for name, figures in (row.figures or {}).items()}
    return Measured(**values)
