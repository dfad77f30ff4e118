"""Measures of task kinds other than retrieval, on vectors alone: each reads a folder, encodes, and gives its figures.

The measures are those of MTEB (Muennighoff et al. 2023, arXiv:2210.07316, section 3.2), by scikit-learn's own
functions, each with a bootstrap interval over what was judged. Knows no table and no command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from indexer import task_sets
from indexer.evaluate import Stopped
from indexer.metrics import Interval, bootstrap
from indexer.records import Progress

if TYPE_CHECKING:
    from embedder.embedder import Embedder

BATCH = 64  # texts encoded between two looks at `stop`
RESAMPLES = 200
SHOTS, DRAWS = 16, 10  # texts of each label to learn from, and how often they are drawn anew
Figures = tuple[dict[str, Interval], int]  # by name, the main one first; and how many items were judged


@dataclass(slots=True)
class Encoder:
    """An embedder on its way through many texts: tells how far it is, and stops when asked to."""

    embedder: "Embedder"
    instruction: str = ""
    stop: Event | None = None
    tell: Callable[[Progress], None] | None = None

    def __call__(self, texts: Sequence[str], side: str = "query") -> np.ndarray:
        """(n, dim) float32, in the order of the texts; equal texts are encoded once."""
        once = sorted(set(texts), key=lambda text: -len(text))
        rows = np.zeros((len(once), self.embedder.dim), np.float32)
        for start in range(0, len(once), BATCH):
            if self.stop is not None and self.stop.is_set():
                raise Stopped(f"stopped after {start} of {len(once)} texts")
            part = once[start : start + BATCH]
            full = [n for n, text in enumerate(part) if text.strip()]  # an empty text is near to nothing
            if full:
                rows[[start + n for n in full]] = self._some([part[n] for n in full], side)
            if self.tell is not None:
                self.tell(Progress(min(start + BATCH, len(once)), len(once), current=self.embedder.method.name))
        place = {text: n for n, text in enumerate(once)}
        return rows[[place[text] for text in texts]]

    def _some(self, texts: list[str], side: str) -> np.ndarray:
        if side == "document":
            return self.embedder.documents(texts)
        return self.embedder.queries(texts, instruction=self.instruction)


def reranking(folder: Path, encode: Encoder) -> Figures:
    """Mean average precision and MRR of each query's own candidates."""
    from sklearn.metrics import average_precision_score

    rows = task_sets.read_reranking(folder)
    queries = encode([row.query for row in rows])
    passages = [text for row in rows for text in (*row.positive, *row.negative)]
    vectors = encode(passages, "document")
    precision, first, at = [], [], 0
    for query, row in zip(queries, rows, strict=True):
        count = len(row.positive) + len(row.negative)
        scores = vectors[at : at + count] @ query
        gold = np.array([1] * len(row.positive) + [0] * len(row.negative))
        precision.append(float(average_precision_score(gold, scores)))
        better = min(int((scores >= score).sum()) for score in scores[: len(row.positive)])  # a tie counts against it
        first.append(1 / better)
        at += count
    return {"map": bootstrap(precision), "mrr": bootstrap(first)}, len(rows)


def pair_classification(folder: Path, encode: Encoder) -> Figures:
    """Average precision of the cosines, and the accuracy at the threshold that suits them best (as MTEB has it)."""
    from sklearn.metrics import average_precision_score

    pairs = task_sets.read_matches(folder)
    cosines = _cosines(encode, pairs)
    gold = np.asarray(pairs.same)
    right = bootstrap(((cosines >= _threshold(cosines, gold)) == gold).astype(float).tolist())
    precision = _resampled(lambda at: float(average_precision_score(gold[at], cosines[at])), gold, best_of_both=True)
    return {"ap": precision, "accuracy": right}, len(gold)


def _threshold(cosines: np.ndarray, gold: np.ndarray) -> float:
    """The cosine from which on calling pairs the same is right most often."""
    order = np.argsort(-cosines, kind="stable")
    gained = np.cumsum(2 * gold[order] - 1)  # over calling none the same
    best = int(np.argmax(gained))
    return float(cosines[order[best]]) if gained[best] > 0 else np.inf


def classification(folder: Path, encode: Encoder) -> Figures:
    """Accuracy and macro F1 of a logistic regression on a few texts of each label, drawn several times."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    split = task_sets.read_split(folder)
    train, test = encode(split.train.texts), encode(split.test.texts)
    labels, gold = np.asarray(split.train.labels), np.asarray(split.test.labels)
    chance, right, even = np.random.default_rng(0), [], []
    for _ in range(DRAWS):
        few = np.concatenate([_few(chance, np.flatnonzero(labels == label)) for label in np.unique(labels)])
        said = LogisticRegression(max_iter=200).fit(train[few], labels[few]).predict(test)
        right.append(said == gold)
        even.append([float(f1_score(gold, said, average="macro"))])
    return {"accuracy": bootstrap(np.mean(right, axis=0).tolist()), "f1": _draws(np.ravel(even))}, len(gold)


def _few(chance: np.random.Generator, there: np.ndarray) -> np.ndarray:
    return np.asarray(chance.permutation(there)[:SHOTS])


def _draws(values: np.ndarray) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))


def clustering(folder: Path, encode: Encoder) -> Figures:
    """V-measure of k-means with as many clusters as there are labels, and from several starts."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import v_measure_score

    data = task_sets.read_clusters(folder)
    vectors, gold = encode(data.texts), np.asarray(data.labels)
    count = len(np.unique(gold))
    found = [KMeans(count, n_init=1, random_state=seed).fit_predict(vectors) for seed in range(DRAWS)]
    whole = float(np.mean([v_measure_score(gold, groups) for groups in found]))
    chance, spread = np.random.default_rng(0), []
    for turn in range(RESAMPLES):
        at = chance.integers(0, len(gold), len(gold))
        spread.append(float(v_measure_score(gold[at], found[turn % DRAWS][at])))
    low, high = np.quantile(spread, (0.025, 0.975))
    return {"v-measure": Interval(whole, min(float(low), whole), max(float(high), whole))}, len(gold)


def bitext(folder: Path, encode: Encoder) -> Figures:
    """How often a text's nearest neighbour on the other side is its translation: F1 of mining, accuracy both ways."""
    pairs = task_sets.read_bitext(folder)
    left, right = encode(pairs.left), encode(pairs.right)
    table = left @ right.T
    own = np.arange(len(table))
    there, back = table.argmax(1) == own, table.argmax(0) == own
    both = _resampled(lambda at: _mined(table, at), own)
    ways = {"there": bootstrap(there.astype(float).tolist()), "back": bootstrap(back.astype(float).tolist())}
    return {"f1": both, **ways}, len(own)


def _mined(table: np.ndarray, at: np.ndarray) -> float:
    """F1 of the pairs mined for these rows: every left text gets its nearest right one (Artetxe and Schwenk 2019)."""
    from sklearn.metrics import f1_score

    said = table[at].argmax(1)
    return float(f1_score(at, said, average="weighted", zero_division=0.0))


def _cosines(encode: Encoder, pairs: task_sets.Matched) -> np.ndarray:
    left, right = encode(pairs.left), encode(pairs.right)
    return np.asarray(np.einsum("nd,nd->n", left, right))


def _resampled(figure: Callable[[np.ndarray], float], gold: np.ndarray, *, best_of_both: bool = False) -> Interval:
    """A figure of all items with its percentile bootstrap interval; `best_of_both`: samples need both labels."""
    chance, spread = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        at = chance.integers(0, len(gold), len(gold))
        if not best_of_both or len(np.unique(gold[at])) > 1:
            spread.append(figure(at))
    low, high = np.quantile(spread, (0.025, 0.975))
    return Interval(figure(np.arange(len(gold))), float(low), float(high))
