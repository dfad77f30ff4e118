"""Text in, token ids and weights out: the whole of a method, before any model runs.

Strings between two seams or special tokens are tokenised as one; which of their tokens are pooled follows from
character offsets, so a merge across a boundary belongs to the text. Text is cut, never a suffix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embedder.engine import Engine
from embedder.method import Method, Pool, Side
from embedder.template import Piece


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids with a weight each; the weights sum to 1. `cut`: how many characters of the text did not fit."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    cut: int = 0

    def __len__(self) -> int:
        """Length in tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a prompt with the piece it came from: "text", "instruction", "template", or a role such as "eos"."""

    id: int
    pooled: bool
    part: str


@dataclass(frozen=True, slots=True)
class _Run:
    """A string of a template with its part, to be tokenised together with its neighbours."""

    string: str
    part: str
    pooled: bool


def build(
    method: Method, side: Side, text: str, engine: Engine, *, instruction: str = "", limit: int | None = None
) -> Prompt:
    """The prompt of a text, at most `limit` tokens (default: the engine's context); ValueError for an empty text."""
    tokens, cut = layout(method, side, text, engine, instruction=instruction, limit=limit)
    weights = pool_weights(method.pool, [token.pooled for token in tokens])
    return Prompt(tuple(token.id for token in tokens), weights, cut)


def layout(
    method: Method, side: Side, text: str, engine: Engine, *, instruction: str = "", limit: int | None = None
) -> tuple[list[Token], int]:
    """The tokens of a prompt with their parts, and the number of characters cut from the text."""
    if not text.strip():
        raise ValueError(f"an empty text has no vector under {method.name}; give it some words or leave it out")
    limit = _limit(engine, limit)
    # more characters than this are looked at only as far as they can fit, however long the text is
    fitting = text if len(text) <= 2 * limit else engine.shorten(text, limit)
    tokens = _tokens(method, side, fitting, engine, instruction)
    if len(tokens) > limit:
        budget = _room(method, side, engine, instruction, limit)
        tokens, fitting = _fit(method, side, fitting, engine, instruction, limit, budget)
    _mark_all_if_none(tokens)
    if not any(token.part == "text" for token in tokens):
        raise ValueError(f"the tokenizer of {engine.name} makes no token of {text[:20]!r}")
    return tokens, len(text) - len(fitting)


def room(method: Method, side: Side, engine: Engine, *, instruction: str = "", limit: int | None = None) -> int:
    """How many tokens of text surely fit: a text of that many tokens is never cut."""
    limit = _limit(engine, limit)
    seams = 2 * sum(piece.value == "text" for piece in method.pieces(side) if piece.kind == "field")
    return max(_room(method, side, engine, instruction, limit - seams), 1)


def pool_weights(pool: Pool, pooled: Sequence[bool]) -> tuple[float, ...]:
    """One weight per token, summing to 1, zero where not pooled."""
    count = sum(pooled)
    if pool == "last":
        last = max(i for i, inside in enumerate(pooled) if inside)
        return tuple(float(i == last) for i in range(len(pooled)))
    if pool == "mean":
        return tuple(inside / count for inside in pooled)
    total = count * (count + 1) / 2
    ordinal, weights = 0, []
    for inside in pooled:
        ordinal += inside
        weights.append(ordinal / total if inside else 0.0)
    return tuple(weights)


def _limit(engine: Engine, limit: int | None) -> int:
    return min(limit or engine.context, engine.context)


def _room(method: Method, side: Side, engine: Engine, instruction: str, limit: int) -> int:
    frame = len(_tokens(method, side, "", engine, instruction))
    copies = sum(piece.value == "text" for piece in method.pieces(side) if piece.kind == "field")
    if limit - frame < copies:
        raise ValueError(
            f"no room for text: {method.name} takes {frame} tokens for its template and instruction, of {limit};"
            " shorten the instruction or raise the limit"
        )
    return (limit - frame) // copies


def _fit(
    method: Method, side: Side, text: str, engine: Engine, instruction: str, limit: int, budget: int
) -> tuple[list[Token], str]:
    budget += 2
    while True:  # joining can save or cost a token at each seam, so the first cut is a little too long
        fitting = engine.shorten(text, budget)
        tokens = _tokens(method, side, fitting, engine, instruction)
        if len(tokens) <= limit:
            return tokens, fitting
        budget -= 1
        if budget < 1:
            raise ValueError(f"no room for text: not one token of it fits {limit} tokens under {method.name}")


def _tokens(method: Method, side: Side, text: str, engine: Engine, instruction: str) -> list[Token]:
    fields = {"text": text, "instruction": instruction or method.instruction}
    tokens: list[Token] = []
    joined: list[_Run] = []
    for part in _parts(method.pieces(side), fields, engine):
        if isinstance(part, _Run):
            joined.append(part)
            continue
        tokens.extend(_tokenise(joined, engine))
        joined.clear()
        if part is not None:
            tokens.append(part)
    tokens.extend(_tokenise(joined, engine))
    return tokens


def _parts(pieces: Sequence[Piece], fields: dict[str, str], engine: Engine) -> Iterator[_Run | Token | None]:
    """Runs of text, ready tokens, and None where two sides are tokenised apart."""
    for piece in pieces:
        if piece.kind == "seam":
            yield None
        elif piece.kind == "literal":
            yield _Run(piece.value, "template", piece.pooled)
        elif piece.kind == "field":
            yield _Run(fields[piece.value], piece.value, piece.pooled)
        else:
            for item in engine.wrapper(piece.value):
                if isinstance(item, str):
                    yield _Run(item, piece.value, piece.pooled)
                else:
                    yield Token(item, piece.pooled, piece.value)


def _tokenise(runs: Sequence[_Run], engine: Engine) -> list[Token]:
    runs = [run for run in runs if run.string]
    if len(runs) == 1:
        return [Token(token, runs[0].pooled, runs[0].part) for token in engine.encode(runs[0].string)]
    ids, spans = engine.tokens("".join(run.string for run in runs)) if runs else ([], [])
    bounds: list[int] = []
    for run in runs:
        bounds.append((bounds[-1] if bounds else 0) + len(run.string))
    tokens = [_owned(token, span, runs, bounds) for token, span in zip(ids, spans, strict=True)]
    _give_space(tokens, spans, runs, engine)
    return tokens


def _give_space(tokens: list[Token], spans: Sequence[tuple[int, int]], runs: Sequence[_Run], engine: Engine) -> None:
    """A lone space before a pooled text is part of it where the tokenizer begins texts with one (SentencePiece)."""
    first = next((i for i, token in enumerate(tokens) if token.pooled), 0)
    text = next((run.string for run in runs if run.pooled), "")
    if not first or not text or spans[first - 1][1] - spans[first - 1][0] != 1:
        return
    before = tokens[first - 1]
    if engine.encode(text[0])[:1] == [before.id] and tokens[first].id != before.id:
        tokens[first - 1] = Token(before.id, True, "text")


def _owned(token: int, span: tuple[int, int], runs: Sequence[_Run], bounds: Sequence[int]) -> Token:
    """A token that straddles a boundary belongs to the text, else to the run of its last character."""
    last = max(span[1] - 1, span[0])
    touched = [
        run for run, begin, end in zip(runs, [0, *bounds], bounds, strict=False) if begin <= last and end > span[0]
    ] or [runs[-1]]
    owner = next((run for run in touched if run.part == "text"), touched[-1])
    return Token(token, any(run.pooled for run in touched), owner.part)


def _mark_all_if_none(tokens: list[Token]) -> None:
    """A template without a mark pools every token."""
    if not any(token.pooled for token in tokens):
        tokens[:] = [Token(token.id, True, token.part) for token in tokens]
