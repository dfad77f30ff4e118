"""Results of evaluations, kept as rows of the collection so that they can be compared over time. Knows no model.

A result belongs to a set's digest and an embedder's fingerprint: only results on the same texts are comparable.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.engine import Row

from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.cost import Cost
from indexer.evaluate import Evaluation, QueryRow
from indexer.metrics import Interval

OWN = "made:"  # questions taken from documents: their text stays with the set, where erasing a file finds it


@dataclass(frozen=True, slots=True)
class Result:
    """A stored evaluation. `model` and `fingerprint` are "" for words, which need none."""

    dataset: str
    digest: str
    method: str
    model: str
    mode: str
    instruction: str
    fingerprint: str
    metrics: dict[str, Interval]
    rows: tuple[QueryRow, ...] = ()
    cost: Cost | None = None
    seconds: float = 0.0
    id: int = 0
    created: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a later result the successor of this one."""
        return self.fingerprint, self.mode, self.instruction

    @property
    def label(self) -> str:
        """How the command line names what was measured: words, METHOD, or METHOD+words."""
        return "words" if self.mode == "words" else self.method + ("+words" if self.mode == "hybrid" else "")

    def values(self, metric: str) -> list[float]:
        """One measure of every query, in the order of the set, for `paired`."""
        return [row.metrics[metric] for row in self.rows]


def result_of(
    evaluation: Evaluation, digest: str, *, model: str = "", instruction: str = "", cost: Cost | None = None
) -> Result:
    """An evaluation as it is kept."""
    rows = evaluation.rows
    if evaluation.dataset.startswith(OWN):
        rows = tuple(replace(row, text="") for row in rows)
    return Result(
        dataset=evaluation.dataset, digest=digest, method=evaluation.method, model=model, mode=evaluation.mode,
        instruction=instruction, fingerprint=evaluation.fingerprint, metrics=evaluation.metrics, rows=rows, cost=cost,
        seconds=round(sum(evaluation.seconds.values()), 3),
    )  # fmt: skip


class Results:
    """The results of one collection."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Rows live in the collection's catalogue."""
        self.catalogue = catalogue

    def keep(self, result: Result) -> int:
        """Store a result; its id."""
        values = {name: getattr(result, name) for name in ("dataset", "digest", "method", "model", "mode")}
        values |= {name: getattr(result, name) for name in ("instruction", "fingerprint", "seconds")}
        values |= {
            "metrics": {name: asdict(interval) for name, interval in result.metrics.items()},
            "rows": [[row.query, row.text, row.metrics, row.hits] for row in result.rows],
            "cost": asdict(result.cost) if result.cost else None,
            "created": c.now(),
        }
        with self.catalogue.write() as connection:
            return c.new_id(connection.execute(insert(c.evaluation).values(**values)))

    def all(self, digest: str = "", *, limit: int = 200) -> list[Result]:
        """Results, newest first, on one set or on all."""
        wanted = select(c.evaluation).order_by(c.evaluation.c.id.desc()).limit(limit)
        with self.catalogue.read() as connection:
            found = connection.execute(wanted.where(c.evaluation.c.digest == digest) if digest else wanted).all()
        return [_result(row) for row in found]

    def latest(self, digest: str) -> list[Result]:
        """The newest result of each contender on one set, the best first."""
        newest: dict[tuple[str, str, str], Result] = {}
        for result in self.all(digest):
            newest.setdefault(result.key, result)
        return sorted(newest.values(), key=lambda one: -one.metrics["ndcg@10"].value)

    def sets(self) -> list[tuple[str, str]]:
        """Name and digest of every set that was measured, the one measured last first."""
        columns = select(c.evaluation.c.dataset, c.evaluation.c.digest).order_by(c.evaluation.c.id.desc())
        with self.catalogue.read() as connection:
            return list(dict.fromkeys((row.dataset, row.digest) for row in connection.execute(columns)))

    def forget(self, digest: str) -> None:
        """Remove all results on one set."""
        with self.catalogue.write() as connection:
            connection.execute(c.evaluation.delete().where(c.evaluation.c.digest == digest))


def _result(row: Row[Any]) -> Result:
    values = dict(row._mapping)
    values["metrics"] = {name: Interval(**interval) for name, interval in (row.metrics or {}).items()}
    values["rows"] = tuple(_row(*parts) for parts in row.rows or ())
    values["cost"] = Cost(**row.cost) if row.cost else None
    return Result(**values)


def _row(query: str, text: str, metrics: dict[str, float], hits: Sequence[Sequence[Any]]) -> QueryRow:
    return QueryRow(query, text, metrics, tuple((str(name), float(score)) for name, score in hits))
