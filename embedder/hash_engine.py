"""A model without a model: every token owns a fixed random direction. Public, for tests of what lies above.

It is honest: shared words give a higher cosine, a causal state has seen only what comes before, nothing is trained.
"""

import math
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from embedder.engine import Message
from embedder.prompt import Prompt

# a Han, kana or Hangul character is a token, as is a run of other letters or digits, as is any other mark
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\w\s]")
ROLES = ("bos", "eos", "endoftext", "user", "end_user", "assistant", "boq", "eoq", "bod", "eod")
FIRST = 100  # ids below are roles


class HashEngine:
    """An Engine and a Writer of a few lines, exact and instant."""

    def __init__(self, dim: int = 64, context: int = 512) -> None:
        self.name, self.revision = "hash", "1"
        self.dim, self.context = dim, context
        self.dtype, self.device = "float32", "cpu"
        self._words: dict[int, str] = {}

    def encode(self, text: str) -> list[int]:
        """One id per word."""
        return self.tokens(text)[0]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each word is."""
        return [match.span() for match in TOKEN.finditer(text)]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and spans."""
        words = [match.group() for match in TOKEN.finditer(text)]
        ids = [FIRST + zlib.crc32(word.lower().encode("utf-8", "replace")) % 1_000_000 for word in words]
        self._words.update(zip(ids, words, strict=True))
        return ids, self.offsets(text)

    def decode(self, ids: Sequence[int]) -> str:
        """The words again, roles in angle brackets."""
        return " ".join(self._words.get(i, "?") if i >= FIRST else f"<{ROLES[i]}>" for i in ids)

    def special(self, role: str) -> list[int]:
        """Every role of the shipped rows has one id."""
        if role not in ROLES:
            raise ValueError(f"the hash engine has no {role!r}; its roles: {', '.join(ROLES)}")
        return [ROLES.index(role)]

    def wrapper(self, role: str) -> tuple[int | str, ...]:
        """The same as `special`."""
        return tuple(self.special(role))

    def shorten(self, text: str, tokens: int) -> str:
        """Up to the end of the last word that fits."""
        spans = self.offsets(text)
        return text if len(spans) <= tokens else text[: spans[tokens - 1][1] if tokens else 0]

    def vectors(self, prompts: Sequence[Prompt], *, causal: bool) -> np.ndarray:
        """A state is its token's direction plus the mean of the directions it can see."""
        rows = np.zeros((len(prompts), self.dim), np.float32)
        for row, prompt in zip(rows, prompts, strict=True):
            own = np.stack([_direction(token, self.dim) for token in prompt.ids])  # (t, dim)
            seen = np.cumsum(own, 0) / np.arange(1, len(own) + 1)[:, None] if causal else own.mean(0, keepdims=True)
            state = np.asarray(prompt.weights) @ (own + seen)
            row[:] = state / np.linalg.norm(state)
        return rows

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """The first sentence of the last message, word by word."""
        sentence = re.split(r"(?<=[.!?。！？])\s*", messages[-1].content.strip(), maxsplit=1)[0]
        for count, piece in enumerate(re.findall(r"\S+\s*", sentence)):
            if stop.is_set() or count == max_tokens:
                return
            yield piece

    def score(self, context: str, text: str) -> float:
        """Mean log probability under the word counts of the context, smoothed by one half."""
        known, wanted = self.encode(context), self.encode(text)
        if not wanted:
            raise ValueError("an empty text has no score")
        return sum(math.log((known.count(word) + 0.5) / (len(known) + 500)) for word in wanted) / len(wanted)

    def close(self) -> None:
        """Nothing to give back."""


@lru_cache(maxsize=100_000)
def _direction(token: int, dim: int) -> np.ndarray:
    direction = np.random.default_rng(token).standard_normal(dim)
    return np.asarray(direction / np.linalg.norm(direction))
