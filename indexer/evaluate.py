"""Run methods over a test set: words, dense or both, with the very code a search uses. Touches no collection.

Vectors of a test set are kept in a cache folder under the set's digest and the embedder's fingerprint, block by block:
a run that was stopped goes on, and a second mode costs no encoding.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer import fuse, words
from indexer.catalogue import Catalogue
from indexer.dataset import Dataset, Pairs
from indexer.fuse import Fusion
from indexer.metrics import MEASURES, Interval, bootstrap, spearman
from indexer.records import MODES, Progress
from indexer.search import DEPTH

if TYPE_CHECKING:
    from embedder.embedder import Embedder

BLOCK = 256  # texts encoded, and cached, at a time
SHOWN = 10  # hits kept in a query's row


class Stopped(RuntimeError):
    """The evaluation was asked to stop; what was encoded is cached."""


@dataclass(frozen=True, slots=True)
class QueryRow:
    """How one query went: its measures and its first hits (document id, score)."""

    query: str
    text: str
    metrics: dict[str, float]
    hits: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One method in one mode on one test set; `seconds` by step, encoding only where it was not cached."""

    dataset: str
    method: str
    mode: str
    fingerprint: str
    metrics: dict[str, Interval]
    rows: tuple[QueryRow, ...]
    seconds: dict[str, float]
    pieces: int = 0
    tokens: int = 0

    def json(self) -> dict[str, Any]:
        """The figures as the command line prints them."""
        names = ("ndcg@10", "recall@10", "mrr@10")
        figures = {name: round(self.metrics[name].value, 4) for name in names}
        return {**figures, "queries": len(self.rows), "seconds": round(sum(self.seconds.values()), 3)}

    def values(self, metric: str) -> list[float]:
        """One measure of every query, in the order of the test set, for `paired`."""
        return [row.metrics[metric] for row in self.rows]


@dataclass(slots=True)
class _Vectors:
    """Vectors of the documents' pieces: a long document is cut to what fits, its best piece counts."""

    rows: np.ndarray
    starts: np.ndarray  # (documents,) the first piece of each


@dataclass(slots=True)
class Evaluator:
    """A test set made ready: words indexed once, vectors once for each embedder.

    `known` may give vectors that are there already, one a document, or None where they have to be made.
    """

    dataset: Dataset
    cache: Path | None = None
    stop: Event | None = None
    tell: Callable[[Progress], None] | None = None
    known: Callable[["Embedder"], np.ndarray | None] | None = None
    ids: list[str] = field(init=False)
    _words: Catalogue | None = field(init=False, default=None)
    _folder: Any = field(init=False, default=None)
    _found: list[dict[int, float]] | None = field(init=False, default=None)
    _vectors: dict[str, _Vectors] = field(init=False, default_factory=dict)
    _seconds: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = list(self.dataset.documents)

    def run(
        self, embedder: "Embedder | None", mode: str = "hybrid", *, instruction: str = "", fusion: Fusion = fuse.DEFAULT
    ) -> Evaluation:
        """Search every query and measure the rankings."""
        if mode not in MODES or (mode != "words" and embedder is None):
            raise ValueError(f"mode is one of {', '.join(MODES)}, all but words need an embedder; got {mode!r}")
        self._seconds = {}
        lexical = self._lexical() if mode != "dense" else None
        dense = self._dense(embedder, instruction) if embedder is not None and mode != "words" else None
        started = time.perf_counter()
        rows = tuple(self._rows(lexical, dense, fusion))
        self._seconds["measure"] = time.perf_counter() - started
        metrics = {name: bootstrap([row.metrics[name] for row in rows]) for name in MEASURES}
        return Evaluation(
            dataset=self.dataset.name,
            method=embedder.method.name if embedder is not None and mode != "words" else "words",
            mode=mode,
            fingerprint=embedder.fingerprint if embedder is not None and mode != "words" else "",
            metrics=metrics,
            rows=rows,
            seconds=dict(self._seconds),
        )

    def once(self, text: str, embedder: "Embedder | None", mode: str, *, instruction: str = "") -> list[str]:
        """One query start to finish, as a reader would wait for it, over what `run` has made ready: document ids."""
        one, two = {}, {}
        if mode != "dense" and self._words is not None:
            with self._words.read() as connection:
                one = dict(words.search(connection, words.affordable(connection, text), DEPTH))
        if mode != "words" and embedder is not None:
            query = embedder.queries([text], instruction=instruction)
            (two,) = _near(query, self._documents(embedder))
        fused = fuse.DEFAULT(one, two) if one and two else one or two
        return [self.ids[item] for item, _ in fuse.best(fused, SHOWN)]

    def close(self) -> None:
        """Remove the words index."""
        if self._words is not None:
            self._words.close()
            self._words = None
            self._folder.cleanup()

    def _rows(
        self, lexical: list[dict[int, float]] | None, dense: list[dict[int, float]] | None, fusion: Fusion
    ) -> Iterator[QueryRow]:
        for number, (query, judged) in enumerate(self.dataset.judged.items()):
            one, two = (leg[number] if leg else {} for leg in (lexical, dense))
            fused = fusion(one, two) if one and two else one or two
            found = ((self.ids[item], score) for item, score in fuse.best(fused, DEPTH))
            best = [(name, score) for name, score in found if name != query or not self._twin(query)]
            ranking = [item for item, _ in best]
            metrics = {name: measure(ranking, judged) for name, measure in MEASURES.items()}
            yield QueryRow(query, self.dataset.queries[query], metrics, tuple(best[:SHOWN]))

    def _twin(self, query: str) -> bool:
        """Whether the document of a query's name is the query itself, as in sets whose queries are documents."""
        return self.dataset.queries[query].strip() in self.dataset.documents.get(query, "")

    # -- words

    def _lexical(self) -> list[dict[int, float]]:
        if self._found is not None:  # words are the same under every method
            return self._found
        started = time.perf_counter()
        if self._words is None:
            self._folder = tempfile.TemporaryDirectory(prefix="twofold-eval-")
            self._words = Catalogue(Path(self._folder.name) / "words.sqlite")
            with self._words.write() as connection:
                words.add(connection, enumerate(self.dataset.documents.values()))
        with self._words.read() as connection:
            texts = [self.dataset.queries[query] for query in self.dataset.judged]
            self._found = [dict(words.search(connection, words.affordable(connection, text), DEPTH)) for text in texts]
        self._seconds["words"] = time.perf_counter() - started
        return self._found

    # -- dense

    def _dense(self, embedder: "Embedder", instruction: str) -> list[dict[int, float]]:
        texts = [self.dataset.queries[query] for query in self.dataset.judged]
        tag = "queries-" + hashlib.sha256(instruction.encode()).hexdigest()[:8]
        encode = partial(embedder.queries, instruction=instruction)
        queries = self._encode(embedder, tag, texts, encode)
        known = self._documents(embedder)
        started = time.perf_counter()
        found = [near for block in range(0, len(queries), 64) for near in _near(queries[block : block + 64], known)]
        self._seconds["dense"] = time.perf_counter() - started
        return found

    def _documents(self, embedder: "Embedder") -> _Vectors:
        if embedder.fingerprint not in self._vectors and self.known is not None:
            there = self.known(embedder)
            if there is not None:
                self._vectors = {embedder.fingerprint: _Vectors(there, np.arange(len(there)))}
        if embedder.fingerprint not in self._vectors:
            room = min(embedder.room("document"), embedder.chunk)  # as a collection of this model would cut them
            pieces = [pieces_of(text, embedder, room) for text in self.dataset.documents.values()]
            texts = [piece for one in pieces for piece in one]
            rows = self._encode(embedder, f"documents-{room}", texts, embedder.documents)
            starts = np.cumsum([0, *(len(one) for one in pieces[:-1])])
            for start, one in zip(starts, pieces, strict=True):
                rows[start : start + len(one)] = embedder.placed(rows[start : start + len(one)], [len(p) for p in one])
            self._vectors = {embedder.fingerprint: _Vectors(rows, starts)}  # one at a time: they can be large
        return self._vectors[embedder.fingerprint]

    def _encode(
        self, embedder: "Embedder", tag: str, texts: Sequence[str], encode: Callable[[list[str]], np.ndarray]
    ) -> np.ndarray:
        """Vectors in the order of the texts, encoded in blocks of like length."""
        order = sorted(range(len(texts)), key=lambda n: -len(texts[n]))
        result = np.empty((len(texts), embedder.dim), np.float32)
        started = time.perf_counter()
        for block in range(0, len(order), BLOCK):
            if self.stop is not None and self.stop.is_set():
                raise Stopped(f"{self.dataset.name}: stopped after {block} of {len(order)} texts")
            part = order[block : block + BLOCK]
            result[part] = self._block(embedder, tag, block, [texts[n] for n in part], encode)
            if self.tell is not None:
                self.tell(Progress(min(block + BLOCK, len(order)), len(order), current=f"{embedder.method.name} {tag}"))
        self._seconds[tag.partition("-")[0]] = time.perf_counter() - started
        return result

    def _block(
        self, embedder: "Embedder", tag: str, block: int, texts: list[str], encode: Callable[[list[str]], np.ndarray]
    ) -> np.ndarray:
        if self.cache is None:
            return _filled(texts, embedder.dim, encode)
        folder = self.cache / self.dataset.digest / embedder.fingerprint
        file = folder / f"{tag}-{block:07}.npy"
        with contextlib.suppress(OSError, ValueError):
            rows = np.load(file, allow_pickle=False)
            if rows.shape == (len(texts), embedder.dim):
                return np.asarray(rows, np.float32)
        rows = _filled(texts, embedder.dim, encode)
        folder.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=folder, suffix=".npy")
        with os.fdopen(number, "wb") as out:
            np.save(out, rows.astype(np.float16))
        os.replace(name, file)
        return rows


def _filled(texts: list[str], dim: int, encode: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    """Vectors of the texts; an empty one, which has none, is near to nothing."""
    rows = np.zeros((len(texts), dim), np.float32)
    full = [n for n, text in enumerate(texts) if text.strip()]
    if full:
        rows[full] = encode([texts[n] for n in full])
    return rows


def pieces_of(text: str, embedder: "Embedder", room: int) -> list[str]:
    """The text, cut into pieces that fit where it does not fit whole."""
    if len(text.encode("utf-8", "replace")) <= room:
        return [text]
    spans = embedder.engine.offsets(text)
    if len(spans) <= room:
        return [text]
    starts = [spans[n][0] for n in range(0, len(spans), room)]
    ends = [*starts[1:], len(text)]
    return [piece for start, end in zip(starts, ends, strict=True) if (piece := text[start:end]).strip()]


def _near(queries: np.ndarray, known: _Vectors) -> Iterator[dict[int, float]]:
    """The nearest documents of each query: a document is as near as its best piece."""
    scores = np.maximum.reduceat(queries @ known.rows.T, known.starts, axis=1)
    for row in scores:
        top = np.argpartition(-row, DEPTH)[:DEPTH] if len(row) > DEPTH else np.arange(len(row))
        top = top[np.argsort(-row[top], kind="stable")]
        yield dict(zip(top.tolist(), row[top].tolist(), strict=True))


def similarity(pairs: Pairs, embedder: "Embedder", *, instruction: str = "") -> Interval:
    """Spearman correlation of cosines with people's scores, both sentences as queries, with a bootstrap interval."""
    texts = list(dict.fromkeys([*pairs.left, *pairs.right]))
    order = sorted(texts, key=len)
    parts = [embedder.queries(order[n : n + BLOCK], instruction=instruction) for n in range(0, len(order), BLOCK)]
    place = {text: n for n, text in enumerate(order)}
    rows = np.concatenate(parts)
    left, right = (rows[[place[text] for text in side]] for side in (pairs.left, pairs.right))
    cosines = np.einsum("nd,nd->n", left, right)
    gold = np.asarray(pairs.scores)
    chance = np.random.default_rng(0)
    samples = [chance.integers(0, len(gold), len(gold)) for _ in range(200)]
    spread = [spearman(cosines[sample].tolist(), gold[sample].tolist()) for sample in samples]
    low, high = np.quantile(spread, (0.025, 0.975))
    return Interval(spearman(cosines.tolist(), pairs.scores), float(low), float(high))
