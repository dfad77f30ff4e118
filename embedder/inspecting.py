"""A prompt laid open: every token as the model sees it, where it comes from and how much it weighs."""

from dataclasses import dataclass

from embedder.embedder import Embedder
from embedder.prompt import layout, pool_weights
from embedder.row import Side


@dataclass(frozen=True, slots=True)
class Seen:
    """One token of a prompt. `part` is "text", "instruction", "template" or a role such as "eos"."""

    token: str
    id: int
    weight: float
    pooled: bool
    part: str


def inspect(embedder: Embedder, side: Side, text: str, instruction: str = "") -> list[Seen]:
    """The tokens of a text's prompt in order."""
    tokens, _ = layout(embedder.method, side, text, embedder.engine, instruction=instruction, limit=embedder.limit)
    weights = pool_weights(embedder.method.pool, [token.pooled for token in tokens])
    return [
        Seen(embedder.engine.decode([token.id]), token.id, weight, token.pooled, token.part)
        for token, weight in zip(tokens, weights, strict=True)
    ]
