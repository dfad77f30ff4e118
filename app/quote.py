"""Chooses the sentences of the hits that answer a question: every word of a quote is a span of a source.

Three readings are blended: how close the backbone puts the sentence to the question, how many of the question's rarer
terms the sentence, the one before it and the heading above it repeat, and how high its hit was ranked. It knows no
prompts and no writer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.sentences import sentences
from app.terms import IS_CJK, rarity, terms

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Hit

HITS_READ = 5
SENTENCES_READ = 40  # more would keep the reader waiting for the first word on two cores
# weights read off 900 questions of three sets (English and Chinese); the result is flat around them
# (but QUESTION and LEAD: what asks or announces must lose to the sentence that follows it, which costs nothing there)
SIMILARITY, OVERLAP, BEFORE, EARLIER, RANK, FIGURE, QUESTION, LEAD, SHORT = 1.0, 6.0, 0.5, 0.4, 3.0, 2.0, 9.0, 9.0, 1.0
ABOVE, FADES = 0.8, 0.8  # of a heading's terms the first sentence below it repeats so much, each further one less
ASKS = ("?", "？")
ENDED = re.compile(r"""[.!?。！？…:;：；"'”’」』）)]$""")
SAYS = re.compile(r"[|\t:：]|^(?:[-*•·◦▪+]|\d{1,3}[.)、])")  # a table's row, a list's item, a value with its name
WANTS_FIGURE = re.compile(
    r"\b(?:how (?:many|much|long|old|far|high|tall|often|fast)|when|(?:what|which) (?:year|date|percent\w*|number))\b"
    r"|多少|几[个年月次人名天种]|何时|哪年|哪一年|什么时候|多[长大高远久]|第几",
    re.IGNORECASE,
)
FIGURE_IN = re.compile(
    r"\d|[一二三四五六七八九十百千万亿]{2,}"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a hit; start:end are characters of the document, score is comparable within one question only."""

    hit: Hit
    start: int
    end: int
    text: str
    score: float = 0.0


def choose(
    question: str, hits: Sequence[Hit], embedder: Embedder | None, *, before: str = "", most: int = 3
) -> list[Sentence]:
    """The best sentence first, then those nearly as good, at most `most`, each from another passage of text."""
    ranked = rank(question, hits, embedder, before=before)
    chosen: list[Sentence] = []
    for sentence in ranked:
        near = sentence.score >= ranked[0].score - 1.0
        if near and len(chosen) < most and not any(_same(sentence, other) for other in chosen):
            chosen.append(sentence)
    found = joined(chosen)
    if not found:
        return []
    whole = _readable(question, found[0], hits) if found[0] is chosen[0] else found[0]
    return [whole, *(other for other in found[1:] if not _same(other, whole))]


def _readable(question: str, one: Sentence, hits: Sequence[Hit]) -> Sentence:
    """A short sentence with what follows it in its paragraph, unless it has the figure that was asked for."""
    if WANTS_FIGURE.search(question) and FIGURE_IN.search(SAYS.sub("", one.text)):
        return one
    for sentence in split(hits[:HITS_READ]):
        short = ENDED.search(one.text) and len(one.text) < (30 if IS_CJK.search(one.text) else 80)
        if short and _follow(one, sentence) and not SAYS.match(sentence.text) and not sentence.text.endswith(ASKS):
            between = one.hit.text[one.end - one.hit.start : sentence.start - one.hit.start]
            one = one if between.count("\n") > 1 else _span(one, sentence)
    return one


def joined(chosen: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, those that follow each other in one hit as a single span, in the order of the best of each."""
    found: list[Sentence] = []
    for sentence in chosen:
        pairs = enumerate(found)
        near = next((at for at, other in pairs if _follow(sentence, other) or _follow(other, sentence)), None)
        if near is None:
            found.append(sentence)
        else:
            found[near] = _span(found[near], sentence)
    return found


def _follow(one: Sentence, other: Sentence) -> bool:
    """Whether nothing but white space lies between the end of one and the start of the other, in the same hit."""
    first = one.hit.start
    return (
        one.hit.chunk == other.hit.chunk
        and one.end <= other.start
        and not (one.hit.text[one.end - first : other.start - first].strip())
    )


def _span(one: Sentence, other: Sentence) -> Sentence:
    start, end, first = min(one.start, other.start), max(one.end, other.end), one.hit.start
    return replace(one, start=start, end=end, text=one.hit.text[start - first : end - first])


def rank(question: str, hits: Sequence[Hit], embedder: Embedder | None, *, before: str = "") -> list[Sentence]:
    """All sentences of the first hits with their scores, best first; without an embedder, terms and rank alone.

    `before` is the question that this one leans on; its terms count, but less.
    """
    read = split(hits[:HITS_READ])
    if not read:
        return []
    leads = _leads(read)
    overlap = _overlaps(question, read, leads)
    if before:
        overlap = (overlap + EARLIER * _overlaps(before, read, leads)) / (1 + EARLIER)
    kept = sorted(np.argsort(-overlap, kind="stable")[:SENTENCES_READ])
    manners = _manners(question, read) - LEAD * leads
    read, overlap = [read[i] for i in kept], overlap[kept]
    score = OVERLAP * overlap + SIMILARITY * _similarities(question, read, embedder) + manners[kept]
    order = np.argsort(-score, kind="stable")
    return [Sentence(read[i].hit, read[i].start, read[i].end, read[i].text, float(score[i])) for i in order]


def split(hits: Sequence[Hit]) -> list[Sentence]:
    """The sentences of the hits in order; what two overlapping chunks share is read once."""
    seen: set[tuple[int, int, int]] = set()
    found: list[Sentence] = []
    for hit in hits:
        for start, end in sentences(hit.text):
            key = (hit.document, hit.start + start, hit.start + end)
            if key not in seen:
                seen.add(key)
                found.append(Sentence(hit, key[1], key[2], hit.text[start:end]))
    return found


def _overlaps(question: str, read: Sequence[Sentence], leads: np.ndarray) -> np.ndarray:
    """Share of the question's terms, weighted by rarity, that each sentence repeats, plus some of what leads to it."""
    held = [{term.text for term in terms(sentence.text)} for sentence in read]
    weight = rarity(held)
    wanted = {term.text for term in terms(question)}
    total = sum(weight.get(term, 0.0) for term in wanted) or 1.0
    share = np.zeros(len(read))
    above: dict[str, float] = {}  # terms of the heading, and how much they still count
    for at, words in enumerate(held):
        inside = bool(at) and read[at - 1].hit.document == read[at].hit.document
        before = wanted & held[at - 1] if inside else set()
        above = {term: FADES * much for term, much in above.items()} if inside and not leads[at - 1] else {}
        if inside and (leads[at - 1] or _short(read[at - 1].text)):
            above |= dict.fromkeys(before, ABOVE)
        counted = {term: max(term in words, BEFORE * (term in before), above.get(term, 0.0)) for term in wanted}
        share[at] = sum(weight.get(term, 0.0) * much for term, much in counted.items()) / total
    return share


def _leads(read: Sequence[Sentence]) -> np.ndarray:
    """Which sentences only announce what follows: headings, and lines without an end before a sentence that has one."""
    found = np.zeros(len(read), bool)
    for at, one in enumerate(read):
        after = read[at + 1] if at + 1 < len(read) and read[at + 1].hit.document == one.hit.document else None
        brief = len(one.text) <= (20 if IS_CJK.search(one.text) else 60)
        open_end = brief and not ENDED.search(one.text) and not SAYS.search(one.text)
        found[at] = one.text.startswith("#") or (open_end and after is not None and bool(ENDED.search(after.text)))
    return found


def _short(text: str) -> bool:
    """Whether a text is too short to say much: "Day 1-2, Kunming."."""
    return len(text) < (8 if IS_CJK.search(text) else 25)


def _similarities(question: str, read: Sequence[Sentence], embedder: Embedder | None) -> np.ndarray:
    """Cosine of question and sentence in units of its own spread, since every method has another scale."""
    if embedder is None:
        return np.zeros(len(read))
    cosine = embedder.documents([sentence.text for sentence in read]) @ embedder.queries([question])[0]
    return (cosine - cosine.mean()) / (cosine.std() + 1e-6)


def _manners(question: str, read: Sequence[Sentence]) -> np.ndarray:
    """Bonus for a well ranked hit and a wanted figure; what is very short or asks is seldom an answer."""
    figure = FIGURE if WANTS_FIGURE.search(question) else 0.0
    return np.array(
        [
            RANK * (HITS_READ - min(HITS_READ, s.hit.rank)) / HITS_READ
            + figure * bool(FIGURE_IN.search(s.text))
            - SHORT * _short(s.text)
            - QUESTION * s.text.endswith(ASKS)
            for s in read
        ]
    )


def _same(one: Sentence, other: Sentence) -> bool:
    """Whether two sentences say it in the same words, or are one text of one document."""
    if one.hit.document == other.hit.document and one.start < other.end and other.start < one.end:
        return True
    return one.text.casefold() == other.text.casefold()
