"""Commands that give numbers: vectors of texts, and the quality of methods on a labelled set."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.commands.frame import Failure, Session, command
from app.commands.models import PANEL

if TYPE_CHECKING:
    from embedder.embedder import Embedder

LINES = 256  # read, embedded and written together


@command(
    PANEL,
    (
        """echo '{"id": "a", "text": "a short text"}' | twofold embed --side document""",
        "twofold embed --side query --method echo < questions.jsonl > vectors.jsonl",
    ),
)
def embed(
    session: Session,
    side: Annotated[Literal["query", "document"], typer.Option(help="Whether the texts are questions or passages.")],
    instruction: Annotated[str, typer.Option(help="For questions; else the method's own.")] = "",
) -> None:
    """Turn texts into vectors: JSON lines {"id", "text"} on stdin become JSON lines {"id", "vector"} on stdout."""
    from app.commands.models import note_untrained
    from app.commands.output import say

    embedder = session.embedder()
    note_untrained(embedder)
    cut = 0
    rows = numbered_rows(sys.stdin)
    while batch := list(islice(rows, LINES)):
        vectors, lost = vectors_of(embedder, side, [text for _, text in batch], instruction)
        cut += lost
        for (name, _), vector in zip(batch, vectors, strict=True):
            numbers = ",".join(f"{value:.9g}" for value in vector)  # nine digits bring a float32 back exactly
            session.out.write(f'{{"id": {json.dumps(name, ensure_ascii=False)}, "vector": [{numbers}]}}\n')
        session.out.flush()
    if cut:
        say(f"{cut:,} characters did not fit the model's {embedder.limit} tokens and are in no vector")


def numbered_rows(lines: Iterable[str]) -> Iterator[tuple[Any, str]]:
    """Id and text of each line; a line that is none is named by its number."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, text = row["id"], row["text"]
        except (ValueError, KeyError, TypeError):
            raise Failure(f'line {number} of the input is no {{"id": …, "text": …}}: {line.strip()[:60]!r}') from None
        if not isinstance(text, str) or not text.strip():
            raise Failure(f"line {number} of the input (id {name!r}) has no text: an empty text has no vector")
        yield name, text


def vectors_of(embedder: Embedder, side: str, texts: list[str], instruction: str) -> tuple[Any, int]:
    """Vectors, and how many characters did not fit."""
    given = instruction if side == "query" else ""
    prompts = embedder.prompts("query" if side == "query" else "document", texts, instruction=given)
    return embedder.vectors(prompts), sum(prompt.cut for prompt in prompts)
