"""What the tests of this package are given: hits, an embedder and a writer small enough to judge by eye."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from embedder.engine import Message
from indexer import Found, Hit, Leg

LIGHTHOUSE = "The lighthouse on Skerry was built in 1844. Its lamp burns paraffin. Is it haunted? Nobody knows."
BREAD = "Rye bread needs a sourdough starter. Bake it for 50 minutes at 220 degrees."
TEA = "龙井茶产于杭州西湖。每年清明节前采摘的茶叶最为珍贵。水温以八十五度为宜。"


def hit(text: str, rank: int = 1, *, document: int = 0, start: int = 0, path: str = "") -> Hit:
    """A hit whose text stands at `start` of its document."""
    number = document or rank
    legs = {"dense": Leg(rank=rank, score=1 / rank), "words": Leg(rank=rank, score=1 / rank)}
    return Hit(
        rank=rank, score=1 / rank, chunk=10 * number + rank, document=number, path=path or f"notes/{number}.md",
        also=(), page="", start=start, end=start + len(text), text=text, legs=legs,
    )  # fmt: skip


def found(*texts: str) -> Found:
    """What a search returns, in rank order."""
    return Found(hits=[hit(text, rank) for rank, text in enumerate(texts, 1)], notes=(), seconds={})


class Script:
    """A writer that says what it was told to, a word at a time, and remembers what it was shown."""

    context = 400

    def __init__(self, text: str) -> None:
        """Say `text`, whatever is asked."""
        self.text = text
        self.shown: list[Message] = []

    def encode(self, text: str) -> list[int]:
        """One token for each word."""
        return list(range(len(text.split())))

    def shorten(self, text: str, tokens: int) -> str:
        """The first so many words."""
        return " ".join(text.split()[:tokens])

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """The words, until `stop` is set."""
        self.shown = list(messages)
        for word in self.text.split(" ")[:max_tokens]:
            if stop.is_set():
                return
            yield word + " "

    def score(self, context: str, text: str) -> float:
        """The more words the two share, the likelier."""
        return float(len({*context.lower().split()} & {*text.lower().split()}) - 10)
