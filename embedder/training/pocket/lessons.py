"""Which texts the teachers are asked about: four lists, each a mix of sources with a cap a source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from embedder.training.pocket import corpus
from embedder.training.pocket.corpus import Pair, coin
from embedder.training.pocket.teachers import Side

SHORT, LONG = 200, 420  # characters: sentences, and what a teacher sees of a passage
CAPS = {
    "tatoeba_en_zh": 30_000, "tldr_en_zh": 12_000, "factbook_qa_en": 3_000, "laws_articles_zh": 4_000,
    "classical_modern_zh": 6_000,
}  # fmt: skip
BITEXT = ("tatoeba_en_zh", "python_docs_en_zh", "cpp_docs_bitext_en_zh")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A list of texts of one language for the teachers."""

    name: str
    side: Side
    lang: str
    texts: list[str]


def is_chinese(text: str) -> bool:
    """More than a fifth of the characters are Han."""
    return sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 5


def lessons(data: Path, banned: frozenset[int], folder: Path) -> list[Lesson]:
    """Short and long lists in both languages, written once to `folder`."""
    file = folder / "lessons.json"
    if not file.exists():
        found = _gather(data, banned)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    found = json.loads(file.read_text("utf-8"))
    sides: dict[str, Side] = {"short": "query", "long": "passage"}
    return [Lesson(name, sides[name.split("_")[0]], name.split("_")[1], texts) for name, texts in found.items()]


def _gather(data: Path, banned: frozenset[int]) -> dict[str, list[str]]:
    lists: dict[str, dict[str, None]] = {k: {} for k in ("short_en", "short_zh", "long_en", "long_zh")}
    taken: Counter[tuple[str, str]] = Counter()
    ordered = sorted(corpus.pairs(data, banned), key=lambda p: coin(p.query))
    for text, kind, source in _sides(ordered):
        key = f"{kind}_{'zh' if is_chinese(text) else 'en'}"
        cap = CAPS.get(source, 9_000 if kind == "short" else 5_000)
        if taken[key, source] < cap and text not in lists[key]:
            taken[key, source] += 1
            lists[key][text] = None
    for lang, count in (("en", 40_000), ("zh", 25_000)):
        for sentence in _sentences(data, lang, count):
            lists[f"short_{lang}"].setdefault(sentence)
    return {k: sorted((t for t in v if corpus.fold(t) not in banned), key=coin) for k, v in lists.items()}


def _sides(pairs: Iterable[Pair]) -> Iterator[tuple[str, str, str]]:
    for pair in pairs:
        yield pair.query[:SHORT], "short", pair.source
        bitext = pair.source in BITEXT or pair.source == "classical_modern_zh"
        yield (pair.positive[:SHORT], "short", pair.source) if bitext else (pair.positive[:LONG], "long", pair.source)


def _sentences(data: Path, lang: str, count: int) -> list[str]:
    texts = corpus.plain(data, lang, count * 250)
    shortest = 8 if lang == "zh" else 20
    found = {s for t in texts for s in corpus.sentences(t) if shortest <= len(s) <= SHORT}
    return sorted(found, key=coin)[:count]
