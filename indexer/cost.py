"""What a method costs beside how well it finds: tokens, speed, bytes and the wait for an answer, measured on a sample.

It knows an embedder and texts, no collection.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embedder.embedder import Embedder

PASSAGES, QUERIES = 32, 24


@dataclass(frozen=True, slots=True)
class Cost:
    """`tokens`: of the model's input for a passage, on average; `bytes`: of a stored vector; seconds of a query.

    `tokens_per_s` counts the passages' own tokens, so that a method which reads a text twice is half as fast.
    """

    tokens: float = 0.0
    tokens_per_s: float = 0.0
    bytes: int = 0
    p50: float = 0.0
    p95: float = 0.0


def measure(
    embedder: "Embedder | None", documents: Sequence[str], queries: Sequence[str], search: Callable[[str], object]
) -> Cost:
    """Encode some passages and answer some queries one by one; without an embedder only the queries count.

    `search` answers one query whole, its encoding included.
    """
    waits = _waits(spread(queries, QUERIES), search)
    p50, p95 = (float(np.quantile(waits, share)) for share in (0.5, 0.95)) if waits else (0.0, 0.0)
    if embedder is None:
        return Cost(p50=p50, p95=p95)
    texts = [text for text in spread(documents, PASSAGES) if text.strip()]
    own = sum(len(embedder.engine.encode(text)) for text in texts)
    given = sum(len(prompt.ids) for prompt in embedder.prompts("document", texts))
    embedder.documents(texts[:2])  # the first call of an engine is slower than the others
    started = time.perf_counter()
    embedder.documents(texts)
    seconds = max(time.perf_counter() - started, 1e-9)
    return Cost(given / max(len(texts), 1), own / seconds, embedder.dim * 2, p50, p95)


def _waits(queries: Sequence[str], search: Callable[[str], object]) -> list[float]:
    waits = []
    for text in [*queries[:1], *queries]:  # the first one warms up and is dropped
        started = time.perf_counter()
        search(text)
        waits.append(time.perf_counter() - started)
    return waits[1:]


def spread(texts: Sequence[str], count: int) -> list[str]:
    """So many texts, evenly over all of them."""
    step = max(1, len(texts) // count)
    return list(texts[::step][:count])
