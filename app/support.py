"""Finds the passage each sentence of a written answer rests on, or none: it trusts no mark the writer made itself.

A sentence rests on a source sentence that repeats most of its terms, or that lies as close to it as the sources'
own neighbouring sentences lie to each other. It knows nothing of how the answer was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.quote import Sentence, split
from app.sentences import sentences
from app.terms import rarity, terms

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Hit

REPEATS = 0.6
FORGED = re.compile(r"\s?(?:\[(?:source\s*)?\d+(?:\s*[,，-]\s*\d+)*\]|【\d+】|\(source\s*\d+\))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rest:
    """Characters start:end of the answer and the source sentence they rest on, None where none was found."""

    start: int
    end: int
    source: Sentence | None


def without_marks(text: str) -> str:
    """The text without reference marks of the writer's own making: only found passages are cited."""
    return FORGED.sub("", text)


def rests(text: str, hits: Sequence[Hit], embedder: Embedder | None) -> list[Rest]:
    """One entry for each sentence of the answer, in order."""
    spans = sentences(text)
    read = split(hits)
    if not spans or not read:
        return [Rest(start, end, None) for start, end in spans]
    said = [text[start:end] for start, end in spans]
    repeats = _repeats(said, [sentence.text for sentence in read])
    near, enough = _nearness(said, read, embedder)
    found: list[Rest] = []
    for row, (start, end) in enumerate(spans):
        best = int(np.argmax(repeats[row] + near[row]))
        holds = repeats[row, best] >= REPEATS or near[row, best] >= enough
        found.append(Rest(start, end, read[best] if holds else None))
    return found


def _repeats(said: Sequence[str], read: Sequence[str]) -> np.ndarray:
    """Share of each said sentence's terms, by rarity, that each read one holds: (said, read), 0 to 1."""
    held = [{term.text for term in terms(text)} for text in read]
    weight = rarity(held)
    unseen = max(weight.values(), default=1.0)  # a word no source has is the rarest of all
    shares = np.zeros((len(said), len(read)))
    for row, text in enumerate(said):
        words = {term.text for term in terms(text)}
        total = sum(weight.get(word, unseen) for word in words)
        if total:
            shares[row] = [sum(weight[word] for word in words & texts) / total for texts in held]
    return shares


def _nearness(said: Sequence[str], read: Sequence[Sentence], embedder: Embedder | None) -> tuple[np.ndarray, float]:
    """Cosines (said, read), and what counts as near: half way from the sources' own neighbours to 1."""
    if embedder is None:
        return np.zeros((len(said), len(read))), np.inf
    vectors = embedder.documents([*said, *(sentence.text for sentence in read)])
    sources = vectors[len(said) :]
    cosine = vectors[: len(said)] @ sources.T
    if len(read) < 3:
        return cosine, 0.9
    neighbours = float(np.mean(np.sum(sources[1:] * sources[:-1], axis=1)))
    return cosine, neighbours + 0.5 * (1.0 - neighbours)
