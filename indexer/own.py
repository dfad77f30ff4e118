"""A collection's own questions as a test set: its votes, and the sets made from its documents. Knows no screen.

The documents of such a set are the collection's passages, so the vectors its spaces have already are used again; only
passages that a question was cut out of are encoded anew.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from indexer import catalogue as c
from indexer.dataset import Dataset
from indexer.evaluate import Evaluation, Evaluator
from indexer.records import Progress
from indexer.taking import Question, without
from indexer.task_measures import Encoder
from indexer.testset import JUDGES, Filtered, QuestionSets, ranked, round_trip
from indexer.votes import judgements

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer.collection import Collection

VOTES = "votes"
MOST = 50_000  # passages searched: those with a question first, then the others in order
_BODY = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start)


def own_names(collection: "Collection") -> list[str]:
    """What `own_dataset` can be asked for here: "votes" where there are any, then the test sets."""
    votes = [VOTES] if collection.votes.all() else []
    return votes + [row.name for row in QuestionSets(collection.catalogue).all()]


def own_dataset(collection: "Collection", name: str) -> Dataset:
    """The votes or a test set of a collection. LookupError where there is none, ValueError where nothing is left of it.

    Passages are named by their chunk's id.
    """
    if name == VOTES:
        return _of_votes(collection)
    sets = QuestionSets(collection.catalogue)
    return of_questions(collection, sets.questions(sets.get(name).id), name)


def of_questions(collection: "Collection", questions: Sequence[Question], name: str) -> Dataset:
    """Questions over all passages; query "n" is the n-th one, and what was taken is cut out wherever it stands.

    Neighbours overlap: the piece may stand in the next passage too. A question whose passage has gone is left out.
    """
    there = [(str(n), question) for n, question in enumerate(questions) if question.chunk is not None]
    texts = _passages(collection, [question.chunk for _, question in there if question.chunk is not None])
    for _, question in there:
        for chunk in _around(question, texts):
            texts[chunk] = without(texts[chunk], question.taken).strip() or texts[chunk]
    queries = {number: question.text for number, question in there}
    return Dataset(name, texts, queries, {number: {str(question.chunk): 1} for number, question in there})


def _around(question: Question, texts: dict[str, str]) -> list[str]:
    if not question.taken or question.chunk is None:
        return []
    near = (str(question.chunk + step) for step in (-1, 0, 1))
    return [chunk for chunk in near if chunk in texts and question.taken in texts[chunk]]


def _of_votes(collection: "Collection") -> Dataset:
    judged = judgements([vote for vote in collection.votes.all() if vote.query])  # "": erased with its document
    texts = _passages(collection, [chunk for chunks in judged.values() for chunk in chunks])
    rows = [(query, {str(k): v for k, v in chunks.items() if str(k) in texts}) for query, chunks in judged.items()]
    useful = {str(n): (query, found) for n, (query, found) in enumerate(rows) if max(found.values(), default=0) > 0}
    if not useful:
        raise ValueError("no vote says yet which passages serve a question: vote in the arena first")
    return Dataset(
        VOTES, texts, {n: query for n, (query, _) in useful.items()}, {n: found for n, (_, found) in useful.items()}
    )


def _passages(collection: "Collection", needed: Sequence[int]) -> dict[str, str]:
    with collection.catalogue.read() as connection:
        rows = select(c.chunk.c.id, _BODY).join(c.document, c.document.c.id == c.chunk.c.document_id)
        found = {str(number): text for number, text in connection.execute(rows.order_by(c.chunk.c.id).limit(MOST))}
        missing = [chunk for chunk in dict.fromkeys(needed) if str(chunk) not in found]
        for start in range(0, len(missing), 500):
            part = connection.execute(rows.where(c.chunk.c.id.in_(missing[start : start + 500])))
            found |= {str(number): text for number, text in part}
    return found


def known_vectors(
    collection: "Collection", dataset: Dataset, embedder: "Embedder", *, stop: Event | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> np.ndarray | None:  # fmt: skip
    """Vectors of the set's passages out of the embedder's space; None where the collection has no such space.

    A passage whose text the set changed, or that has no vector yet, is encoded, as are those it surrounds.
    """
    space = collection.space_of(embedder)
    if space is None:
        return None
    vectors: dict[int, np.ndarray] = {}
    with collection.catalogue.read() as connection:
        stored = select(c.vector.c.chunk_id, c.vector.c.data).where(c.vector.c.space_id == space.id)
        for chunk, data in connection.execute(stored):
            if str(chunk) in dataset.documents:
                vectors[chunk] = np.frombuffer(data, np.float16)
        columns = select(c.chunk.c.id, c.chunk.c.document_id, _BODY).join(c.document)
        texts = list(connection.execute(columns.order_by(c.chunk.c.document_id, c.chunk.c.ordinal)))
    runs = [
        run
        for _, rows in groupby(texts, lambda row: row[1])
        for run in _runs([(chunk, body) for chunk, _, body in rows], dataset, vectors, embedder.reach)
    ]
    bodies = [body for run in runs for _, body, _ in run]
    made = Encoder(embedder, stop=stop, tell=tell)(bodies, "document")
    for run in runs:
        placed, made = embedder.placed(made[: len(run)], [len(body) for _, body, _ in run]), made[len(run) :]
        vectors |= {chunk: row for (chunk, _, touched), row in zip(run, placed, strict=True) if touched}
    nothing = np.zeros(embedder.dim, np.float32)  # an empty passage is near to nothing
    return np.stack([np.asarray(vectors.get(int(name), nothing), np.float32) for name in dataset.documents])


def _runs(
    chunks: list[tuple[int, str]], dataset: Dataset, vectors: dict[int, np.ndarray], reach: int
) -> Iterator[list[tuple[int, str, bool]]]:
    """Neighbouring chunks of a document to be encoded, each with its text and whether its vector is wanted.

    Wanted are those that changed and those they surround; what surrounds these is encoded for its say in them.
    """
    bodies = [dataset.documents.get(str(chunk), body) for chunk, body in chunks]
    changed = [
        n
        for n, (chunk, body) in enumerate(chunks)
        if str(chunk) in dataset.documents and (chunk not in vectors or bodies[n] != body)
    ]
    touched = {n for at in changed for n in range(at - reach, at + reach + 1)}
    needed = {n for at in touched for n in range(at - reach, at + reach + 1)}
    run: list[tuple[int, str, bool]] = []
    for n, (chunk, _) in enumerate(chunks):
        if n in needed and bodies[n].strip():
            run.append((chunk, bodies[n], n in touched))
        elif run and n not in needed:
            yield run
            run = []
    if run:
        yield run


def evaluator(
    collection: "Collection", dataset: Dataset, *, stop: Event | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Evaluator:  # fmt: skip
    """An evaluator of an own set that uses the vectors there are; other embedders encode the passages."""
    return Evaluator(dataset, None, stop, tell, partial(known_vectors, collection, dataset, stop=stop, tell=tell))


def judge(
    collection: "Collection", questions: Sequence[Question], judges: Iterable[tuple[str, "Embedder"]], wanted: int, *,
    stop: Event | None = None, tell: Callable[[Progress], None] | None = None,
) -> Filtered:  # fmt: skip
    """The round trip: ask words, then each judge (a name and its embedder) in turn; keep what tells them apart."""
    if not questions:
        return Filtered([], {})
    dataset = of_questions(collection, questions, "draft")
    made = evaluator(collection, dataset, stop=stop, tell=tell)
    try:
        judged: dict[str, Evaluation] = {"words": made.run(None, "words")}
        for name, embedder in judges:
            judged[name] = made.run(embedder, "dense")
    finally:
        made.close()
    if len(judged) < JUDGES:
        raise ValueError("a round trip takes two methods: words, and one that the collection has vectors of")
    return round_trip(ranked(questions, judged), wanted)


def write_beir(dataset: Dataset, folder: Path, about: dict[str, Any] | None = None) -> None:
    """A set as a folder in BEIR's layout; `about`, how it was made, is written beside it as about.json."""
    known = dataset.documents.items()
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _lines(folder / "corpus.jsonl", [{"_id": key, "title": "", "text": text} for key, text in known])
    _lines(folder / "queries.jsonl", [{"_id": key, "text": text} for key, text in dataset.queries.items()])
    rows = [f"{query}\t{name}\t{grade}" for query, found in dataset.judged.items() for name, grade in found.items()]
    qrels = "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n"
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    if about is not None:
        (folder / "about.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _lines(file: Path, rows: Sequence[dict[str, str]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8", errors="replace")
