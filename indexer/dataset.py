"""Test sets from folders: BEIR layout (corpus, queries, qrels), and scored sentence pairs. Knows no model."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Dataset:
    """Documents and queries by id, and which documents are relevant (above 0) to which query."""

    name: str
    documents: dict[str, str]
    queries: dict[str, str]
    judged: dict[str, dict[str, int]]

    def __post_init__(self) -> None:
        if not self.documents or not self.judged:
            raise ValueError(f"{self.name}: {len(self.documents)} documents, {len(self.judged)} judged queries")

    @property
    def digest(self) -> str:
        """What tells this set's texts from any other's, for caches."""
        parts = json.dumps([self.documents, {key: self.queries[key] for key in self.judged}], ensure_ascii=False)
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]


def read_beir(folder: Path, *, split: str = "test") -> Dataset:
    """A folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv; queries without judgement are left out."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    lacking = [name for name in ("corpus.jsonl", "queries.jsonl", "qrels") if not (folder / name).exists()]
    if lacking:
        raise FileNotFoundError(
            f"{folder} is no labelled set: corpus.jsonl, queries.jsonl and qrels/{split}.tsv were wanted (BEIR's"
            f" layout), and it has no {', no '.join(lacking)}"
        )
    judgements = _qrels(folder, split)
    documents = {str(row["_id"]): _whole(row) for row in _lines(folder / "corpus.jsonl")}
    queries = {str(row["_id"]): str(row["text"]) for row in _lines(folder / "queries.jsonl")}
    judged = {query: found for query, found in judgements.items() if query in queries and max(found.values()) > 0}
    return Dataset(folder.name, documents, {query: queries[query] for query in judged}, judged)


def _whole(row: dict[str, Any]) -> str:
    return f"{row.get('title') or ''}\n{row['text']}".strip()


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as source:
        for number, line in enumerate(source, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise ValueError(f"{file}, line {number}: no JSON object ({error})") from None


def _qrels(folder: Path, split: str) -> dict[str, dict[str, int]]:
    file = folder / "qrels" / f"{split}.tsv"
    if not file.is_file():
        there = ", ".join(sorted(one.stem for one in (folder / "qrels").glob("*.tsv"))) or "none"
        raise FileNotFoundError(f"{folder} has no qrels/{split}.tsv; splits there: {there}")
    judged: dict[str, dict[str, int]] = {}
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) == 3 and row[0] != "query-id":
                judged.setdefault(row[0], {})[row[1]] = int(float(row[2]))
    return judged


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sentence pairs and how alike people found them."""

    name: str
    left: list[str]
    right: list[str]
    scores: list[float]


def read_pairs(folder: Path, *, split: str = "test") -> Pairs:
    """The pairs in SPLIT.tsv of a folder: lines of score, sentence, sentence (a first line of names is left out)."""
    file = folder / f"{split}.tsv"
    if not file.is_file():
        there = ", ".join(sorted(one.stem for one in folder.glob("*.tsv"))) or "none"
        raise FileNotFoundError(
            f"{folder} has no {split}.tsv with lines of score, sentence, sentence; files there: {there}"
        )
    pairs = _pairs(file)
    if len(pairs.scores) < 2:
        raise ValueError(f"{file} has {len(pairs.scores)} lines of score, sentence, sentence; a correlation needs more")
    return pairs


def _pairs(file: Path) -> Pairs:
    pairs = Pairs(file.parent.name, [], [], [])
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                score = float(row[0])
                left, right = row[1], row[2]
            except (ValueError, IndexError):
                continue
            pairs.scores.append(score)
            pairs.left.append(left)
            pairs.right.append(right)
    return pairs
