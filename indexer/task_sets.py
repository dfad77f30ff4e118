"""Test sets of other task kinds than retrieval, read from local folders in plain layouts. Knows no model.

| kind | files | each line |
|---|---|---|
| reranking | reranking.jsonl | {"query", "positive": [texts], "negative": [texts]} |
| pair classification | pairs.tsv | 1 or 0, text, text |
| classification | train.jsonl, test.jsonl | {"text", "label"} |
| clustering | clusters.jsonl | {"text", "label"} |
| bitext mining | bitext.tsv | text, its translation |

A first line of names is left out of the .tsv files; nothing in them is quoted, as in the layouts this project reads.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST = 2
HEADS = frozenset("left right text translation source target en zh sentence1 sentence2".split())  # of bitext.tsv


@dataclass(frozen=True, slots=True)
class Ranked:
    """A query with the passages that answer it and those that do not."""

    query: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts and the label of each."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled texts to learn from, and others to be judged by."""

    train: Labelled
    test: Labelled


@dataclass(frozen=True, slots=True)
class Matched:
    """Pairs of texts, and whether the two belong together (1) or not (0); for bitext all do."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    same: tuple[int, ...]


def read_reranking(folder: Path) -> tuple[Ranked, ...]:
    """The queries of reranking.jsonl."""
    found = []
    for number, row in _lines(folder / "reranking.jsonl"):
        sides = [row.get(side) for side in ("positive", "negative")]
        if not isinstance(row.get("query"), str) or not all(isinstance(side, list) and side for side in sides):
            raise ValueError(
                f'reranking.jsonl, line {number}: wanted {{"query", "positive": [...], "negative": [...]}}'
            )
        positive, negative = (tuple(str(text) for text in side) for side in sides if side)
        found.append(Ranked(row["query"], positive, negative))
    _enough(len(found), folder, "queries")
    return tuple(found)


def read_split(folder: Path) -> Split:
    """The texts of train.jsonl and test.jsonl."""
    split = Split(_labelled(folder / "train.jsonl"), _labelled(folder / "test.jsonl"))
    if len(set(split.train.labels)) < 2:
        raise ValueError(f"{folder / 'train.jsonl'} has one label only: there is nothing to tell apart")
    return split


def read_clusters(folder: Path) -> Labelled:
    """The texts of clusters.jsonl."""
    found = _labelled(folder / "clusters.jsonl")
    if not 1 < len(set(found.labels)) < len(found.texts):
        raise ValueError(f"{folder / 'clusters.jsonl'} wants two labels or more, and more texts than labels")
    return found


def read_matches(folder: Path) -> Matched:
    """The pairs of pairs.tsv."""
    rows = [row for row in _tsv(folder / "pairs.tsv") if len(row) >= 3 and row[0].strip() in ("0", "1")]
    _enough(len(rows), folder, "lines of 1 or 0, text, text")
    same = tuple(int(row[0]) for row in rows)
    if len(set(same)) < 2:
        raise ValueError(f"{folder / 'pairs.tsv'} wants both pairs that belong together (1) and pairs that do not (0)")
    return Matched(tuple(row[1] for row in rows), tuple(row[2] for row in rows), same)


def read_bitext(folder: Path) -> Matched:
    """The pairs of bitext.tsv, every text once on its side."""
    rows = [(row[0].strip(), row[1].strip()) for row in _tsv(folder / "bitext.tsv") if len(row) >= 2]
    if rows and {name.lower() for name in rows[0]} <= HEADS:
        rows = rows[1:]
    once = {left: (left, right) for left, right in rows if left and right}
    rows = list({right: (left, right) for left, right in once.values()}.values())
    _enough(len(rows), folder, "lines of text, translation")
    return Matched(tuple(left for left, _ in rows), tuple(right for _, right in rows), (1,) * len(rows))


def _labelled(file: Path) -> Labelled:
    texts, labels = [], []
    for number, row in _lines(file):
        if not str(row.get("text") or "").strip() or "label" not in row:
            raise ValueError(f'{file.name}, line {number}: wanted {{"text", "label"}} with a text that is not empty')
        texts.append(str(row["text"]))
        labels.append(str(row["label"]))
    _enough(len(texts), file.parent, f"lines in {file.name}")
    return Labelled(tuple(texts), tuple(labels))


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}")
    with file.open(encoding="utf-8") as source:
        for number, line in enumerate(source, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{file}, line {number}: no JSON object ({error})") from None
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number}: no JSON object")
            yield number, row


def _tsv(file: Path) -> Iterator[list[str]]:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}")
    with file.open(encoding="utf-8", newline="") as source:
        yield from csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE)


def _enough(count: int, folder: Path, what: str) -> None:
    if count < LEAST:
        raise ValueError(f"{folder} has {count} {what}; at least {LEAST} are wanted")
