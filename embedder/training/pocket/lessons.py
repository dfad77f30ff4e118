"""Which texts the teachers are asked about: sentences and passages of the sources with a cap a source, everyday words,
scenes of a small grammar, and sentences with words left out, exchanged or borrowed from their neighbours.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedder.training.pocket import corpus
from embedder.training.pocket import scenes as grammar
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


def words(seed: int = 4) -> list[str]:
    """Everyday words alone, and two to five frequent ones side by side, in either language."""
    draw = random.Random(seed)
    found: list[str] = []
    for lang, count, between in (("en", 14_000, " "), ("zh", 16_000, "")):
        known = [word for word, _ in corpus.everyday(lang) if lang == "zh" or len(word) > 2][:count]
        found += known
        found += [between.join(draw.sample(known[:9000], draw.randint(2, 5))) for _ in range(8000)]
    draw.shuffle(found)
    return found


def scenes(banned: frozenset[int], count: int) -> tuple[list[str], list[str]]:
    """`count` scenes in English and the same in Chinese, without any that a test set holds."""
    rows = dict.fromkeys(itertools.islice(grammar.scenes(), 2 * count))
    kept = [row for row in rows if not {corpus.fold(text) for text in row} & banned][:count]
    return [english for english, _ in kept], [chinese for _, chinese in kept]


def edits(texts: list[str], vectors: np.ndarray, lang: str, count: int = 4500, seed: int = 3) -> list[str]:
    """Sentences, one near neighbour of each, and five ways in which the first borrows from it or loses words."""
    draw = random.Random(seed)
    plain = [i for i, text in enumerate(texts[: len(vectors)]) if _plain(text, lang)]
    chosen = draw.sample(plain, min(len(plain), 12_000))
    near = vectors[chosen].astype(np.float32)
    found: list[str] = []
    for row in range(min(count, len(chosen))):
        order = np.argpartition(-(near @ near[row]), 6)[:7]
        other = texts[chosen[draw.choice([n for n in order if n != row])]]
        found += [texts[chosen[row]], other, *_changed(texts[chosen[row]], other, lang, draw)]
    return list(dict.fromkeys(found))


def _plain(text: str, lang: str) -> bool:
    if lang == "en" and not re.fullmatch(r"[A-Za-z0-9 ,.'\-?!\"]+", text):
        return False
    return 5 <= len(_words(text, lang)) <= 25 and (lang == "en" or is_chinese(text))


def _words(text: str, lang: str) -> list[str]:
    return text.split() if lang == "en" else re.findall(r"[A-Za-z0-9.%]+|[\u4e00-\u9fff]{1,2}|\S", text)


def _changed(text: str, other: str, lang: str, draw: random.Random) -> list[str]:
    here, there = _words(text, lang), _words(other, lang)
    size = len(here)
    at, where = draw.randrange(size), draw.randrange(size)
    fewer = sorted(draw.sample(range(size), max(2, size - draw.randint(2, max(2, size // 3)))))
    twice = list(here)
    for _ in range(2):
        twice[draw.randrange(size)] = draw.choice(there)
    changed = [
        here[:at] + here[at + 1 :],
        [*here[:where], draw.choice(there), *here[where + 1 :]],
        [here[n] for n in fewer],
        here[: size // 2] + there[len(there) // 2 :],
        twice,
    ]
    return [("" if lang == "zh" else " ").join(row) for row in changed]


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
