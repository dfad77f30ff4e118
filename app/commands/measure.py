"""Commands that give numbers: vectors of texts, and the quality of methods on a labelled set."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.commands.frame import Failure, Session, command
from app.commands.models import PANEL
from app.commands.search import Instruction, Mode

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Interval, Result

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


@command(
    PANEL,
    (
        "twofold eval beir/scifact --methods pocket,echo,words",
        "twofold eval votes --methods pocket,sbert@all-MiniLM-L6-v2",
        "twofold eval made:mine --methods pocket,pocket+words --json",
        "twofold eval beir/scifact --mode dense --rows queries.jsonl",
        "twofold eval passkey --methods pocket,echo --longest 1024",
    ),
    name="eval",
)
def evaluate(
    session: Session,
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|votes|made:NAME|passkey",
            help="corpus.jsonl, queries.jsonl and qrels/test.tsv; or pairs in test.tsv; or the collection's own set.",
        ),
    ],
    methods: Annotated[
        str, typer.Option("--methods", metavar="A,B,…", help="Which (METHOD, METHOD@MODEL, METHOD+words, words).")
    ] = "",
    mode: Mode = "hybrid",
    instruction: Instruction = "",
    rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write how each query went: JSON lines.")
    ] = None,
    longest: Annotated[int, typer.Option(help="Passkey: the longest texts in tokens; 0 is the model's context.")] = 0,
) -> None:
    """Measure methods on questions with known answers (nDCG, recall, MRR at ten) or sentence pairs (Spearman).

    With a collection the results are kept in it, to be seen on the Evaluate page and compared over time.

    Other tasks are told by the files in the folder, one object or one tab-separated line for each item:

    \b
      reranking            reranking.jsonl {"query", "positive": [texts], "negative": [texts]}
      pair classification  pairs.tsv: 1 or 0, text, text
      classification       train.jsonl and test.jsonl {"text", "label"}
      clustering           clusters.jsonl {"text", "label"}
      bitext mining        bitext.tsv: text, its translation
      sentence similarity  test.tsv: score, text, text

    `passkey` hides people's numbers in long texts, English and Chinese, and asks for them: how far does a model carry?
    """
    from app.commands.tasks import is_task, measure_task

    if is_task(folder):
        measure_task(session, folder, methods, instruction, longest)
        return
    from app.commands.evaluating import evaluated, is_pairs, report, show
    from app.commands.output import emit

    if is_pairs(folder):
        names = [name.strip() for name in methods.split(",") if name.strip()]
        likeness(session, Path(folder).expanduser(), names, instruction)
        return
    done = evaluated(session, folder, methods, mode, instruction)
    if rows is not None:
        write_rows(rows, done)
    if session.json:
        emit(session, report(session, done))
    else:
        show(session, done)


def likeness(session: Session, folder: Path, names: Sequence[str], instruction: str) -> None:
    """Sentence pairs instead of questions: how well cosines follow people's judgement of likeness (Spearman)."""
    from app.commands.evaluating import similarities
    from app.commands.output import emit, table

    done = dict(similarities(session.settings, folder, names, instruction))
    if session.json:
        figures = {
            name: {"spearman": round(value.value, 4), "low": value.low, "high": value.high}
            for name, value in done.items()
        }
        emit(session, {"dataset": folder.name, "methods": figures})
    else:
        table(session, (folder.name, "spearman"), [(name, interval(value)) for name, value in done.items()])


def interval(value: Interval) -> str:
    """A measure with its interval."""
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def write_rows(file: Path, done: dict[str, Result]) -> None:
    """How each query went, a JSON line each."""
    with file.open("w", encoding="utf-8") as out:
        for label, one in done.items():
            for row in one.rows:
                told = {"method": label, "mode": one.mode, "query": row.query, "text": row.text, **row.metrics}
                told["hits"] = [{"id": name, "score": score} for name, score in row.hits]
                out.write(json.dumps(told, ensure_ascii=False) + "\n")
