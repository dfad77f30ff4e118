"""Five wordings of an instruction at once: documents carry none, so another wording costs one query and no re-indexing.

It knows no widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.contenders import Contender
from embedder import ENCODERS, INSTRUCTIONS, METHODS, Method

COUNT = 5
SUGGESTED = ("answer", "retrieval", "documents", "similarity", "chinese", "code")


def row_of(one: Contender) -> Method | None:
    """The method of a contender as a row of the table; None for one that a model's folder brought along."""
    return METHODS.get(one.method) or ENCODERS.get(one.method)


def reads(one: Contender) -> bool:
    """Whether an instruction changes anything for a contender."""
    row = row_of(one)
    return one.mode != "words" and (row is None or row.wants_instruction)


def suggested(one: Contender) -> list[str]:
    """Five wordings to begin with: the method's own, then others in use."""
    row = row_of(one)
    own = row.instruction if row is not None else ""
    others = [INSTRUCTIONS[name] for name in SUGGESTED if INSTRUCTIONS[name] != own]
    return [own, *others][:COUNT]


def worded(one: Contender, texts: Sequence[str]) -> dict[str, Contender]:
    """The contender once under each wording, by number; empty ones and repeats are left out."""
    row = row_of(one)
    own = row.instruction if row is not None else ""
    kept = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return {str(n): replace(one, instruction="" if text == own else text) for n, text in enumerate(kept, 1)}
