"""The task kinds that embeddings are judged by, as rows: what a folder of each looks like and how it is measured.

Retrieval has its own module (evaluate.py); its row is here so that one table tells a folder's kind. Knows no command.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from embedder import INSTRUCTIONS
from indexer import task_measures as measures
from indexer.dataset import read_pairs
from indexer.evaluate import similarity
from indexer.metrics import Interval
from indexer.records import Progress
from indexer.task_measures import Encoder, Figures

if TYPE_CHECKING:
    from embedder.embedder import Embedder


@dataclass(frozen=True, slots=True)
class Task:
    """A task kind. `files` tell a folder's kind; `measure` reads the folder and gives figures by name, `main` first.

    `instruction` is what the query side is told where nobody says otherwise; `items` says what was counted.
    """

    name: str
    title: str
    files: tuple[str, ...]
    layout: str
    main: str
    items: str
    source: str
    instruction: str = ""
    measure: Callable[[Path, Encoder], Figures] | None = None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One method on one folder: figures by name with their intervals, over `items` things judged."""

    task: str
    dataset: str
    method: str
    fingerprint: str
    metrics: dict[str, Interval]
    items: int
    seconds: float

    def json(self) -> dict[str, Any]:
        """The figures as the command line prints them."""
        told: dict[str, Any] = {}
        for name, one in self.metrics.items():
            told |= {name: one.value, f"{name} low": one.low, f"{name} high": one.high}
        told = {name: round(value, 4) for name, value in told.items()}
        return {**told, "items": self.items, "seconds": round(self.seconds, 3)}


def likeness(folder: Path, encode: Encoder) -> Figures:
    """Spearman correlation of cosines with people's scores of sentence pairs."""
    pairs = read_pairs(folder)
    encode([*pairs.left, *pairs.right][:0])  # stops before it begins, if asked to
    return {"spearman": similarity(pairs, encode.embedder, instruction=encode.instruction)}, len(pairs.scores)


_ALIKE = INSTRUCTIONS["similarity"]
TABLE = (
    Task(
        name="retrieval", title="Retrieval", files=("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"), main="ndcg@10",
        items="questions", source="Thakur et al. 2021, arXiv:2104.08663",
        layout='corpus.jsonl {"_id", "title", "text"}, queries.jsonl {"_id", "text"}, qrels/test.tsv',
    ),
    Task(
        name="reranking", title="Reranking", files=("reranking.jsonl",), main="map", items="questions",
        source="MTEB, arXiv:2210.07316", instruction=INSTRUCTIONS["answer"], measure=measures.reranking,
        layout='reranking.jsonl {"query", "positive": [texts], "negative": [texts]}',
    ),
    Task(
        name="pairs", title="Pair classification", files=("pairs.tsv",), main="ap", items="pairs",
        source="MTEB, arXiv:2210.07316", instruction=_ALIKE, measure=measures.pair_classification,
        layout="pairs.tsv: 1 or 0, text, text",
    ),
    Task(
        name="classification", title="Classification", files=("train.jsonl", "test.jsonl"), main="accuracy",
        items="texts", source="MTEB, arXiv:2210.07316", instruction="Classify the topic of the text",
        measure=measures.classification, layout='train.jsonl and test.jsonl {"text", "label"}',
    ),
    Task(
        name="clustering", title="Clustering", files=("clusters.jsonl",), main="v-measure", items="texts",
        source="Rosenberg and Hirschberg, EMNLP 2007", instruction="Identify the topic of the text",
        measure=measures.clustering, layout='clusters.jsonl {"text", "label"}',
    ),
    Task(
        name="bitext", title="Bitext mining", files=("bitext.tsv",), main="f1", items="pairs",
        source="Artetxe and Schwenk, TACL 2019", instruction=INSTRUCTIONS["parallel"], measure=measures.bitext,
        layout="bitext.tsv: text, its translation",
    ),
    Task(
        name="sts", title="Sentence similarity", files=("test.tsv",), main="spearman", items="pairs",
        source="Spearman 1904; Cer et al. 2017, arXiv:1708.00055", measure=likeness,
        layout="test.tsv: score, text, text",
    ),
)  # fmt: skip
TASKS = {task.name: task for task in TABLE}


def kind_of(folder: Path) -> Task:
    """The task kind of a folder, told by its files; FileNotFoundError, with the known layouts, where it has none."""
    for task in TABLE:
        if all((folder / name).is_file() for name in task.files):
            return task
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    known = "; ".join(f"{task.title.lower()}: {task.layout}" for task in TABLE)
    raise FileNotFoundError(f"{folder} is no test set of a known kind. Wanted is one of {known}")


def run_task(
    folder: Path, embedder: "Embedder", *, instruction: str = "", stop: Event | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> TaskResult:  # fmt: skip
    """Measure one method on a folder of any kind but retrieval, which `Evaluator` measures."""
    task = kind_of(folder)
    if task.measure is None:
        raise ValueError(f"{folder} is a {task.name} set: measure it with Evaluator")
    started = time.perf_counter()
    metrics, items = task.measure(folder, Encoder(embedder, instruction or task.instruction, stop, tell))
    seconds = time.perf_counter() - started
    return TaskResult(task.name, folder.name, embedder.method.name, embedder.fingerprint, metrics, items, seconds)
