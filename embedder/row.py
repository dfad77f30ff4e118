"""What a row of the methods table is. No tensor, tokenizer or model is known here.

A row is a template per side, a pooling, an attention and where it comes from; `prompt.build` reads it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from embedder.template import Piece, parse

Pool = Literal["last", "mean", "ramp"]
Side = Literal["query", "document"]

_pieces = lru_cache(maxsize=256)(parse)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to embed: templates for both sides, pooling over the marked tokens (all, if none is marked).

    `pool`: "last" takes the last pooled token, "mean" weighs all alike, "ramp" weighs the i-th by i.
    `trained`: weights not trained for the row give poor vectors. `instruction`: the default on the query side.
    """

    name: str
    title: str
    source: str
    query: str
    document: str
    pool: Pool
    causal: bool = True
    trained: bool = False
    instruction: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that could not be built later."""
        if self.pool not in get_args(Pool):
            raise ValueError(f"{self.name}: pool {self.pool!r} is not one of {', '.join(get_args(Pool))}")
        if self.wants_instruction and not self.instruction:
            raise ValueError(f"{self.name}: the query has {{instruction}}, so the row needs a default instruction")
        if any(piece.value == "instruction" for piece in self.pieces("document") if piece.kind == "field"):
            raise ValueError(f"{self.name}: documents carry no instruction, queries do")

    def pieces(self, side: Side) -> tuple[Piece, ...]:
        """The parsed template of a side."""
        if side not in get_args(Side):
            raise ValueError(f"side {side!r} is not one of {', '.join(get_args(Side))}")
        return _pieces(self.query if side == "query" else self.document)

    @property
    def wants_instruction(self) -> bool:
        """Whether the query side has a place for an instruction."""
        return any(piece.kind == "field" and piece.value == "instruction" for piece in self.pieces("query"))
