"""The words of a text as comparable terms with their spans: what overlaps and what a reader sees marked.

It knows nothing of indexes or scores. Latin words are folded and lightly stemmed; runs of Chinese, Japanese and
Korean characters become overlapping pairs, because no space says where a word of theirs ends.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
RUN = re.compile(rf"[{CJK}]+|[^\W{CJK}]+(?:['’][^\W{CJK}]+)?")
LATIN = re.compile(rf"[^\W{CJK}]")
IS_CJK = re.compile(rf"[{CJK}]")
ENDINGS = ("ings", "ing", "edly", "ed", "es", "s", "ly")
STOP = frozenset(
    "a an the of in on at to for from by with and or but if as is are was were be been being do does did done has have "
    "had it its this that these those there here he she they them his her their we you i me my our your what which who "
    "whom whose when where why how not no than then so such into over under about can could may might will would shall "
    "should must also up out".split()
)
ASKING = frozenset(
    "什么 么是 是什 哪个 哪些 哪里 哪一 怎么 如何 多少 几个 为什 为何 是谁 谁是 是否 有哪 有什 请问".split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparable term and the characters start:end it was read from."""

    text: str
    start: int
    end: int


def terms(text: str) -> list[Term]:
    """Every term of the text in reading order, function words left out."""
    found: list[Term] = []
    for run in RUN.finditer(text):
        if IS_CJK.match(run[0]):
            found += _pairs(run[0], run.start())
        elif (word := fold(run[0])) not in STOP:
            found.append(Term(stem(word), run.start(), run.end()))
    return found


def _pairs(run: str, offset: int) -> list[Term]:
    if len(run) == 1:
        return [Term(run, offset, offset + 1)]
    pairs = (Term(run[i : i + 2], offset + i, offset + i + 2) for i in range(len(run) - 1))
    return [pair for pair in pairs if pair.text not in ASKING]


@functools.lru_cache(maxsize=20_000)
def fold(word: str) -> str:
    """Lower case without accents, so that Café meets cafe."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


@functools.lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The word less one common English ending, where at least three letters stay."""
    word = re.sub(r"['’]s$", "", word)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e") if len(word) > 3 else word


def rarity(texts: Iterable[Iterable[str]]) -> dict[str, float]:
    """Weight of each term by how few of the texts hold it: log(1 + n / df), so a term in all of them keeps log 2."""
    sets = [set(text) for text in texts]
    counts = Counter(term for held in sets for term in held)
    return {term: math.log(1 + len(sets) / count) for term, count in counts.items()}


def marks(text: str, query: str) -> list[tuple[int, int]]:
    """Spans of the text that repeat a term of the query, joined where they touch, in order."""
    wanted = {term.text for term in terms(query)}
    spans: list[tuple[int, int]] = []
    for term in terms(text):
        if term.text not in wanted:
            continue
        if spans and term.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], term.end))
        else:
            spans.append((term.start, term.end))
    return spans


def window(text: str, spans: Sequence[tuple[int, int]], size: int) -> tuple[int, int]:
    """The `size` characters of the text that hold the most marked ones, moved to a word's edge."""
    if len(text) <= size:
        return 0, len(text)
    starts = [0, *(max(0, start - size // 5) for start, _ in spans)]
    held = {at: sum(end - start for start, end in spans if at <= start and end <= at + size) for at in starts}
    best = max(starts, key=lambda at: (held[at], -at))
    start = min(best, len(text) - size)
    while start > 0 and best - start < 20 and text[start - 1].isalnum() and LATIN.match(text[start]):
        start -= 1
    return start, _word_end(text, min(len(text), start + size))


def _word_end(text: str, end: int) -> int:
    """The end moved back to where a word ends, unless that is far."""
    back = end
    while 0 < back < len(text) and end - back < 20 and text[back - 1].isalnum() and LATIN.match(text[back]):
        back -= 1
    return back if end - back < 20 else end
