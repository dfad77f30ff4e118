"""Methods by name. The rows are in `rows.py`, what a row is in `row.py`."""

import difflib
from dataclasses import replace

from embedder.encoders import ENCODERS
from embedder.instructions import INSTRUCTIONS
from embedder.row import Method, Pool, Side
from embedder.rows import EOL, ICL_QUERY, TABLE

__all__ = ["ENCODERS", "INSTRUCTIONS", "METHODS", "Method", "Pool", "Side", "find_method", "with_demonstrations"]


def with_demonstrations(name: str, demonstrations: tuple[tuple[str, ...], ...]) -> Method:
    """The row with other demonstrations before the text.

    "prompteol": (sentence, word) pairs. "bge-en-icl": (instruction, query, response) triples.
    """
    row = _ROWS[name.removesuffix("-icl") if name == "prompteol-icl" else name]
    if row.name == "prompteol":
        shots = "".join(f'This sentence : "{_inert(s)}" means in one word:"{_inert(w)}".' for s, w in demonstrations)
        template = "{bos}" + shots + EOL
        return replace(
            row, name="prompteol-icl", title="PromptEOL with a demonstration", query=template, document=template
        )
    if row.name == "bge-en-icl":
        shots = "".join(
            f"<instruct>{_inert(task)}\n<query>{_inert(query)}\n<response>{_inert(response)}\n\n"
            for task, query, response in demonstrations
        )
        return replace(
            row, title=f"BGE-en-ICL ({len(demonstrations)} demonstrations)", query="{bos}" + shots + ICL_QUERY
        )
    raise ValueError(f"{name} takes no demonstrations; prompteol and bge-en-icl do")


def _inert(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


_ROWS = {row.name: row for row in TABLE}
_EOL_ICL = with_demonstrations("prompteol", (("A jockey riding a horse.", "Equestrian"),))
METHODS: dict[str, Method] = dict(sorted({**_ROWS, _EOL_ICL.name: _EOL_ICL}.items()))


def find_method(name: str) -> Method:
    """The row called `name`, of a decoder or an encoder; a ValueError names the nearest one and all there are."""
    known = METHODS | ENCODERS
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"no method called {name!r}{hint} Methods: {', '.join(known)}")
