"""Runs contenders over a test set, the same way for the command line and the pages, and measures what each costs.

A set is a folder in BEIR's layout, `votes` (what was voted in the collection), or `made:NAME` (a set made from its
documents). It knows neither a page nor how a model is opened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.contenders import Contender

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Dataset, Evaluator, Progress, Result

MADE = "made:"
VOTES = "votes"


@dataclass(frozen=True, slots=True)
class TestSet:
    """A set as a person chooses it. `digest` tells results on the same texts and judgements from all others."""

    __test__ = False  # no test class, whatever pytest thinks

    name: str
    dataset: Dataset
    own: bool

    @property
    def digest(self) -> str:
        """The set's texts and judgements in sixteen letters."""
        import hashlib

        judged = sorted((query, sorted(found.items())) for query, found in self.dataset.judged.items())
        return hashlib.sha256((self.dataset.digest + repr(judged)).encode("utf-8", "replace")).hexdigest()[:16]


def test_sets(collection: Collection) -> list[str]:
    """The names `open_test_set` takes in this collection; a folder in BEIR's layout can be named besides."""
    from indexer.own import own_names

    return [name if name == VOTES else MADE + name for name in own_names(collection)]


test_sets.__test__ = False  # type: ignore[attr-defined]


def open_test_set(collection: Collection | None, name: str) -> TestSet:
    """The set of a name or folder; what is missing is said with the way out."""
    from indexer import read_beir
    from indexer.own import own_dataset

    if name != VOTES and not name.startswith(MADE):
        folder = Path(name).expanduser()
        own = [] if folder.is_dir() or collection is None else test_sets(collection)
        if MADE + name in own:
            raise LookupError(f"there is no folder {name}; the test set of that name is {MADE}{name}")
        return TestSet(folder.name, read_beir(folder), own=False)
    if collection is None:
        raise LookupError(f"{name} belongs to a collection: name one with --collection")
    dataset = own_dataset(collection, name.removeprefix(MADE))
    return TestSet(name, replace(dataset, name=name), own=True)


def evaluate(
    test: TestSet,
    contenders: Iterable[tuple[Contender, Embedder | None]],
    *,
    collection: Collection | None = None,
    cache: Path | None = None,
    stop: threading.Event | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[Contender, Result]]:
    """The result of each contender as soon as it is there. Vectors are cached: a run that was stopped goes on."""
    from indexer import Evaluator
    from indexer.own import known_vectors

    known = partial(known_vectors, collection, test.dataset) if test.own and collection is not None else None
    evaluator = Evaluator(test.dataset, None if test.own else cache, stop, tell, known)
    try:
        for one, embedder in contenders:
            yield one, measured(evaluator, test, one, embedder)
    finally:
        evaluator.close()


def measured(evaluator: Evaluator, test: TestSet, one: Contender, embedder: Embedder | None) -> Result:
    """One contender: how well it finds, and at what cost."""
    from indexer import measure, result_of

    instruction = one.instruction
    evaluation = evaluator.run(embedder, one.mode, instruction=instruction)
    queries = [test.dataset.queries[query] for query in test.dataset.judged]
    search = partial(evaluator.once, embedder=embedder, mode=one.mode, instruction=instruction)
    cost = measure(embedder, list(test.dataset.documents.values()), queries, search)
    model = embedder.engine.name if embedder is not None else ""
    return result_of(evaluation, test.digest, model=model, instruction=instruction, cost=cost)


def aligned(one: Result, other: Result, metric: str = "ndcg@10") -> tuple[list[float], list[float]]:
    """One measure of both over the queries they share, in the order of the first."""
    there = {row.query: row.metrics[metric] for row in other.rows}
    both = [(row.metrics[metric], there[row.query]) for row in one.rows if row.query in there]
    return [left for left, _ in both], [right for _, right in both]
