"""Training data as pairs and texts: JSON lines (plain or zst), BEIR folders, folders of plain text.

It knows no model, tokenizer or collection. What is drawn and what is held out depends on a text's own hash, never on
the order of reading, so a run that goes on later sees the same data.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from embedder.instructions import INSTRUCTIONS

JSONL = (".jsonl", ".jsonl.zst")
PLAIN = (".txt", ".md", ".rst")
PARAGRAPH = re.compile(r"\n\s*\n")
SHORTEST = 20  # characters of a text worth learning from
HELD_OUT = 200  # pairs at most
TASKS = {  # what the `task` of a row means, where it brings no instruction of its own
    "qa": INSTRUCTIONS["answer"], "mrc": INSTRUCTIONS["answer"], "faq": INSTRUCTIONS["answer"],
    "qa-passage": INSTRUCTIONS["answer"], "bitext": INSTRUCTIONS["parallel"], "claim-abstract": INSTRUCTIONS["scifact"],
    "nl-code": INSTRUCTIONS["code"], "sts": INSTRUCTIONS["sts"], "nli": INSTRUCTIONS["entailment"],
    "title-section": "Given a title, retrieve the section that it heads",
    "title-abstract": "Given a title, retrieve the abstract that it heads",
    "classical-modern": INSTRUCTIONS["parallel"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """A query, a text that belongs to it, and texts that only look so; "" for the method's own instruction."""

    query: str
    positive: str
    negatives: tuple[str, ...] = ()
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Something to write: `text` after `prompt`, which may be empty."""

    text: str
    prompt: str = ""


@dataclass(slots=True)
class Data:
    """What there is to learn from. `sets`: pairs by the name of their data set, which a batch never mixes."""

    sets: dict[str, list[Pair]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """How many pairs in all sets."""
        return sum(map(len, self.sets.values()))

    def passages(self) -> list[str]:
        """Texts without labels: the plain ones, else the sides of the pairs, each once."""
        if self.texts:
            return self.texts
        return list(dict.fromkeys(text for rows in self.sets.values() for p in rows for text in (p.query, p.positive)))

    def add(self, other: Data) -> None:
        """Take in more data."""
        for name, rows in other.sets.items():
            self.sets.setdefault(name, []).extend(rows)
        self.texts += other.texts
        self.replies += other.replies
        self.sources += other.sources


def read(paths: Iterable[Path], *, split: str = "train", most: int = 0) -> Data:
    """Everything in files and folders; `most` rows of a data set at most. ValueError says what cannot be read."""
    data = Data()
    for path in paths:
        found = _read(path.expanduser(), split)
        note = _note(path)
        data.sources.append(f"{path.name}: {note}" if note else path.name)
        data.add(found)
    data.sets = {name: drawn(rows, most) for name, rows in data.sets.items() if rows}
    data.texts = drawn(data.texts, most)
    if not (data.sets or data.texts or data.replies):
        raise ValueError("no training data: give --data a .jsonl or .jsonl.zst file, a BEIR folder or a folder of text")
    return data


def coin(text: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on the text alone."""
    return zlib.crc32((salt + text).encode("utf-8", "replace")) / 2**32


def drawn(rows: Sequence[Any], most: int) -> list[Any]:
    """At most so many rows (0: all), by their own hash, in their order."""
    if not most or len(rows) <= most:
        return list(rows)
    chosen = sorted(range(len(rows)), key=lambda n: (coin(repr(rows[n]), "drawn"), n))[:most]
    return [rows[n] for n in sorted(chosen)]


def hold_out(data: Data, share: float = 0.05, most: int = HELD_OUT) -> list[Pair]:
    """Take pairs out of the data to measure by; no query of theirs stays in it."""
    total = data.pairs
    wanted = min(most, int(total * share))
    if wanted < 8:
        return []
    every = sorted((p for rows in data.sets.values() for p in rows), key=lambda p: coin(p.query, "held out"))
    held = {pair.query for pair in every[:wanted]}
    found = [pair for pair in every if pair.query in held]
    data.sets = {name: left for name, rows in data.sets.items() if (left := [p for p in rows if p.query not in held])}
    return found


def neighbours(passages: Iterable[Sequence[str]]) -> list[Pair]:
    """Texts that stand next to each other, as pairs: `passages` of one document after the other (cpt-text)."""
    return [
        Pair(first, second)
        for document in passages
        for first, second in pairwise(document)
        if len(first.strip()) >= SHORTEST and len(second.strip()) >= SHORTEST
    ]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl or .jsonl.zst file; ValueError names the line that is none."""
    with path.open("rb") as raw, io.TextIOWrapper(_unpacked(raw, path), encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: no JSON object ({error})") from None
            if not isinstance(row, dict):
                raise ValueError(f"{path}, line {number}: no JSON object but {type(row).__name__}")
            yield row


def _unpacked(raw: Any, path: Path) -> Any:
    if path.suffix != ".zst":
        return raw
    try:
        import zstandard
    except ImportError as error:
        raise ValueError(f"{path.name} is packed: pip install 'twofold[train]', or unpack it with zstd -d") from error
    return zstandard.ZstdDecompressor().stream_reader(raw)


def _read(path: Path, split: str) -> Data:
    if path.is_file() and path.name.endswith(JSONL):
        return _rows(path)
    if path.is_file() and path.suffix in PLAIN:
        return _plain([path], path.stem)
    if not path.is_dir():
        wanted = f"{', '.join(JSONL + PLAIN)} files and folders are read"
        raise ValueError(f"cannot train on {path}: {wanted}" if path.exists() else f"no file or folder {path}")
    if (path / "corpus.jsonl").is_file():
        return _beir(path, split)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    data = _plain([file for file in files if file.suffix in PLAIN], path.name)
    for file in files:
        if file.name.endswith(JSONL):
            data.add(_rows(file))
    return data


def _rows(path: Path) -> Data:
    """Pairs, texts and replies of one file; each instruction is a data set of its own."""
    data = Data()
    stem = path.name.partition(".jsonl")[0]
    for row in lines(path):
        if "response" in row:
            data.replies.append(reply(row))
        elif "query" not in row and "anchor" not in row:
            if not row.get("text"):
                raise ValueError(f"{path}: a row has neither query and positive, nor text, but {', '.join(row)}")
            data.texts += paragraphs(str(row["text"]))
        else:
            instruction = str(row.get("instruction") or TASKS.get(str(row.get("task")), ""))
            name = f"{stem}/{row['task']}" if row.get("task") else stem
            positives = _list(row.get("positive") or row.get("pos"))
            negatives = tuple(_list(row.get("negatives") or row.get("negative") or row.get("neg")))
            query = str(row.get("query") or row.get("anchor") or "")  # an empty one is left out below
            made = [Pair(query, positive, negatives, instruction) for positive in positives]
            data.sets.setdefault(name, []).extend(pair for pair in made if pair.query.strip() and pair.positive.strip())
    return data


def reply(row: dict[str, Any]) -> Reply:
    """A row of {prompt, response}, or of {text} alone."""
    text = str(row.get("response") or row.get("text") or "")
    if not text.strip():
        raise ValueError(f"a row to write has neither response nor text, but {', '.join(row)}")
    return Reply(text, str(row.get("prompt") or ""))


def _list(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value] if value else []
    return [text for item in found if (text := str(item)).strip()]


def _beir(folder: Path, split: str) -> Data:
    """The relevant pairs of a BEIR folder's split."""
    file = folder / "qrels" / f"{split}.tsv"
    if not file.is_file():
        there = ", ".join(sorted(one.stem for one in (folder / "qrels").glob("*.tsv"))) or "none"
        raise ValueError(
            f"{folder} has no qrels/{split}.tsv; splits there: {there}. Name one with --split, and measure on another"
        )
    documents = {
        str(row["_id"]): f"{row.get('title') or ''} {row['text']}".strip() for row in lines(folder / "corpus.jsonl")
    }
    queries = {str(row["_id"]): str(row["text"]) for row in lines(folder / "queries.jsonl")}
    instruction = INSTRUCTIONS.get(folder.name, "")
    pairs = []
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) == 3 and row[0] in queries and row[1] in documents and float(row[2]) > 0:
                pairs.append(Pair(queries[row[0]], documents[row[1]], (), instruction))
    return Data({folder.name: pairs})


def _plain(files: Sequence[Path], name: str) -> Data:
    """Paragraphs as texts, and neighbouring ones as pairs."""
    documents = [paragraphs(file.read_text(encoding="utf-8", errors="replace")) for file in files]
    pairs = neighbours(documents)
    texts = list(dict.fromkeys(text for document in documents for text in document))
    return Data({name: pairs} if pairs else {}, texts)


def paragraphs(text: str) -> list[str]:
    """The paragraphs worth learning from."""
    return [piece.strip() for piece in PARAGRAPH.split(text) if len(piece.strip()) >= SHORTEST]


def _note(path: Path) -> str:
    """What lies beside the data about its licence, on one line."""
    stem = path.name.partition(".jsonl")[0]
    for file in (path.parent / f"{stem}.SOURCE.txt", path / "SOURCE.txt"):
        if file.is_file():
            words = [line.strip() for line in file.read_text("utf-8", "replace").splitlines()]
            said = [line for line in words if line.lower().startswith(("licence", "license", "repo"))]
            return "; ".join(said)[:300]
    return ""
