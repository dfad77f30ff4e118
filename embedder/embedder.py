"""An Embedder is a method on an engine: the one way from text to vector, for queries and for documents."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embedder.card import Card, read_card
from embedder.engine import Engine, open_engine
from embedder.method import Method, Side, find_method, with_demonstrations
from embedder.probe import check
from embedder.prompt import Prompt, build, room

FALLBACK = "echo"  # the best row on weights that were trained for none
AROUND = 2  # passages on either side that count as surroundings


@dataclass(frozen=True, slots=True)
class Embedder:
    """Method times engine. `untrained`: the row wants trained weights and nothing says that these are.

    `limit` is in tokens of a whole prompt; `dim` may be below the engine's for models trained to be cut; `chunk` is the
    number of tokens that a passage for this model should have, which changes no vector; `surround` is what its
    neighbours weigh where it stands in an index.
    """

    method: Method
    engine: Engine
    dim: int
    limit: int
    untrained: bool
    fingerprint: str
    chunk: int = 256
    surround: float = 0.0

    def queries(self, texts: Sequence[str], *, instruction: str = "") -> np.ndarray:
        """Vectors of queries, (n, dim) float32, unit rows; "" takes the row's own instruction."""
        return self.vectors(self.prompts("query", texts, instruction=instruction))

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of documents, (n, dim) float32, unit rows; documents carry no instruction."""
        return self.vectors(self.prompts("document", texts))

    @property
    def reach(self) -> int:
        """How many passages on either side have a say in where a passage stands."""
        return AROUND if self.surround else 0

    def placed(self, rows: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
        """Where the passages of one document stand in an index, (n, dim) float32, of length 1 at most.

        A short passage often leaves unsaid what its neighbours say. The score of a query then is a weighted mean of two
        cosines, to the passage and to what surrounds it. `rows` are the passages' vectors in reading order, `sizes`
        their lengths in any unit.
        """
        rows = np.asarray(rows, np.float32)
        if not self.surround or not len(rows):
            return rows
        weighed = rows * np.asarray(sizes, np.float32)[:, None]
        around = weighed.copy()
        for step in range(1, AROUND + 1):
            around[step:] += weighed[:-step]
            around[:-step] += weighed[step:]
        around /= np.linalg.norm(around, axis=1, keepdims=True) + 1e-12
        return np.asarray((rows + self.surround * around) / (1 + self.surround), np.float32)

    def prompts(self, side: Side, texts: Sequence[str], *, instruction: str = "") -> list[Prompt]:
        """The prompts of texts; `prompt.cut` tells how many characters did not fit."""
        return [
            build(self.method, side, text, self.engine, instruction=instruction, limit=self.limit) for text in texts
        ]

    def vectors(self, prompts: Sequence[Prompt]) -> np.ndarray:
        """Vectors of prompts made here."""
        if not prompts:
            return np.zeros((0, self.dim), np.float32)
        rows = self.engine.vectors(prompts, causal=self.method.causal)
        if self.dim == rows.shape[1]:
            return rows
        head = rows[:, : self.dim]
        return np.asarray(head / np.linalg.norm(head, axis=1, keepdims=True))

    def limited(self, tokens: int) -> "Embedder":
        """The same with another limit for a whole prompt, up to the model's context: longer texts, other vectors."""
        return replace(self, limit=min(tokens, self.engine.context))

    def room(self, side: Side, *, instruction: str = "") -> int:
        """Tokens of text that surely fit a prompt of that side."""
        return room(self.method, side, self.engine, instruction=instruction, limit=self.limit)


def open_embedder(
    model: str = "pocket",
    method: str = "",
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    engine: Engine | None = None,
    dim: int = 0,
    limit: int = 0,
) -> Embedder:
    """The embedder of a model under a method; "" takes the card's row, else "echo", which needs no training.

    An `engine` already open is used as it is. `dim` and `limit` of 0 mean the model's own.
    """
    if method:
        find_method(method)  # a name that is none is told before a model is loaded
    card = read_card(model)
    engine = engine or open_engine(model, device=device, dtype=dtype, revision=revision)
    own: Method | None = getattr(engine, "row", None)  # an encoder knows what it was made for
    row = find_method(method or card.method) if method or card.method else own or find_method(FALLBACK)
    if card.demonstrations and row.name == card.method:
        row = with_demonstrations(row.name, card.demonstrations)
    if card.instruction and row.name == card.method:
        row = replace(row, instruction=card.instruction)
    return combine(
        row, engine, card if card.method or own is None else replace(card, method=own.name), dim=dim, limit=limit
    )


def combine(row: Method, engine: Engine, card: Card | None = None, *, dim: int = 0, limit: int = 0) -> Embedder:
    """An embedder of any row, also one that is in no table; probed before it is handed out."""
    card = card or Card()
    limit = min(limit or card.limit or engine.context, engine.context)
    dim = dim or engine.dim
    if not 0 < dim <= engine.dim:
        raise ValueError(f"{engine.name} has {engine.dim} dimensions, {dim} were asked for")
    check(row, engine, limit=limit)
    surround = card.surround if row.name == card.method else 0.0
    return Embedder(
        method=row,
        engine=engine,
        dim=dim,
        limit=limit,
        untrained=row.trained and card.method != row.name,
        fingerprint=_fingerprint(row, engine, dim, limit, surround),
        chunk=card.chunk_tokens,
        surround=surround,
    )


def _fingerprint(row: Method, engine: Engine, dim: int, limit: int, surround: float) -> str:
    """Changes whenever vectors would not be comparable any more."""
    parts: dict[str, object] = {key: getattr(row, key) for key in ("name", "query", "document", "pool", "causal")}
    parts |= {"model": engine.name, "revision": engine.revision, "dtype": engine.dtype}
    parts |= {"dim": dim, "limit": limit, "normalised": True}
    if surround:
        parts["surround"] = surround
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
