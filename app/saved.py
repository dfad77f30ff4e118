"""Answers as rows of a collection: saved with their citations, read back as turns, judged against unrelated questions.

Between the answer and the catalogue; it knows no thread and no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.answer import Answer
from app.conversation import Turn

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Answer as Row
    from indexer import Collection, Found

RETRIEVED = ("rank", "chunk", "document", "path", "page", "start", "end")
TURNS = 6


def save(collection: Collection, number: int, whole: Answer, details: dict[str, Any] | None = None) -> None:
    """Finish the row `number` with a whole answer; citations keep the characters of the answer that rest on them."""
    given = {
        "style": whole.style,
        "unsupported": [list(span) for span in whole.unsupported],
        "seconds_to_first_token": round(whole.seconds_to_first_token, 4),
        **(details or {}),
    }
    state = "stopped" if whole.stopped else "done"
    collection.answers.finish(number, whole.text, whole.citations, refused=whole.refused, state=state, details=given)


def retrieved(found: Found) -> list[dict[str, Any]]:
    """The hits of a search as plain values without their text, to be kept beside an answer."""
    return [{name: getattr(hit, name) for name in RETRIEVED} for hit in found.hits]


def turns(rows: Sequence[Row], most: int = TURNS) -> list[Turn]:
    """The last answered turns of a conversation, oldest first."""
    return [Turn(row.question, row.text) for row in rows if row.text and not row.refused][-most:]


def p_value(collection: Collection, embedder: Embedder | None, found: Found) -> float | None:
    """How often an unrelated question scores as well as this one did; None where that cannot be told."""
    scores = [hit.legs["dense"].score for hit in found.hits if "dense" in hit.legs]
    known = [score for score in scores if score is not None]
    return collection.p_value(embedder, max(known)) if embedder is not None and known else None
