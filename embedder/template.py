"""The template notation of a method: a string read once into pieces; no text, token or model is known here.

`{text}` and `{instruction}` are strings of the caller; `{bos}`, `{eos}`, `{user}` … a role the engine resolves;
`:pool` marks a pooled piece; `{|}` tokenises its two sides apart; `{{` and `}}` are braces.
"""

from dataclasses import dataclass
from string import Formatter
from typing import Literal

Kind = Literal["literal", "field", "role", "seam"]
FIELDS = ("text", "instruction")
MARKS = ("", "pool")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a template: `value` is literal characters, a field's name or a role's name."""

    kind: Kind
    value: str
    pooled: bool = False


def parse(template: str) -> tuple[Piece, ...]:
    """Pieces of a template in order, neighbouring literals joined; ValueError says what cannot be read."""
    pieces: list[Piece] = []
    for literal, name, mark, conversion in Formatter().parse(template):
        if literal:
            _literal(pieces, literal)
        if name is None:
            continue
        if conversion or mark not in MARKS:
            raise ValueError(f"template field {{{name}:{mark}}} has an unknown mark; the only mark is :pool")
        pieces.append(_field(name, pooled=mark == "pool"))
    if not any(piece.kind == "field" and piece.value == "text" for piece in pieces):
        raise ValueError(f"template {template!r} has no {{text}}")
    return tuple(pieces)


def _field(name: str, *, pooled: bool) -> Piece:
    if name == "|":
        return Piece("seam", "")
    if name in FIELDS:
        return Piece("field", name, pooled)
    if not name.isidentifier():
        raise ValueError(f"template field {{{name}}} is not a name; braces themselves are written {{{{ and }}}}")
    return Piece("role", name, pooled)


def _literal(pieces: list[Piece], characters: str) -> None:
    # an escaped brace makes the formatter yield two literals in a row: they are one string to a tokenizer
    if pieces and pieces[-1].kind == "literal":
        characters = pieces.pop().value + characters
    pieces.append(Piece("literal", characters))
