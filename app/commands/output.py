"""How answers look: one JSON document on stdout, or tables and passages for a person; progress goes to stderr.

Text from documents is shown as text: no markup in it is obeyed, and no control character reaches the terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from app.commands.frame import Session
from app.terms import marks, window

if TYPE_CHECKING:
    from indexer import Hit, Progress, Report

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PIPED_WIDTH = 200
SNIPPET = 320  # characters of a passage shown on a terminal


def plain(text: str) -> str:
    """Text as a terminal may show it: control characters, which could move or recolour it, become dots."""
    return CONTROL.sub("·", text)


def as_json(value: Any) -> Any:
    """What json cannot write by itself: dataclasses and paths."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def emit(session: Session, document: Any) -> None:
    """Write one JSON document."""
    ascii_only = not (getattr(session.out, "encoding", None) or "utf-8").lower().startswith("utf")
    session.out.write(json.dumps(document, ensure_ascii=ascii_only, indent=2, default=as_json) + "\n")
    session.out.flush()


def console(session: Session) -> Console:
    """Where a person reads the answer."""
    made = Console(file=session.out, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = PIPED_WIDTH
    return made


def say(text: str) -> None:
    """A line beside the answer: on stderr."""
    print(plain(text), file=sys.stderr, flush=True)  # noqa: T201


def table(session: Session, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for a person; numbers are set to the right."""
    rows = [[plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for at, head in enumerate(heads):
        numbers = bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        drawn.add_column(head, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell if isinstance(cell, str) else number(cell)) for cell in row))
    console(session).print(drawn, soft_wrap=False)


def number(value: float) -> str:
    """A count with separators, a measure with three digits after the point."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def size(count: int) -> str:
    """Bytes as a person reads them."""
    steps = min(4, max(0, len(str(count)) - 1) // 3)
    unit = ("B", "kB", "MB", "GB", "TB")[steps]
    return f"{count} B" if steps == 0 else f"{count / 1000**steps:.1f} {unit}"


def hit_json(hit: Hit) -> dict[str, Any]:
    """A hit as the contract names its fields."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "path": hit.path,
        "also": list(hit.also),
        "page": hit.page,
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "legs": {name: {"rank": leg.rank, "score": leg.score} for name, leg in hit.legs.items()},
    }


def snippet(text: str, query: str = "", limit: int = SNIPPET) -> Text:
    """The part of a passage that says most about the query, on one line, with the query's words marked."""
    line = " ".join(plain(text.replace("\n", " ").replace("\t", " ")).split())
    start, end = window(line, marks(line, query), limit)
    shown = Text(("… " if start else "") + line[start:end] + (" …" if end < len(line) else ""))
    for first, last in marks(shown.plain, query):
        shown.stylize("bold yellow", first, last)
    return shown


def place(hit: Hit) -> str:
    """Where a hit is: path and page."""
    return f"{hit.path}, {hit.page}" if hit.page else hit.path


def print_hits(session: Session, hits: Sequence[Hit], query: str) -> None:
    """Hits for a person: place, both legs, the passage with the query's words marked."""
    screen = console(session)
    for hit in hits:
        head = Text.assemble((f"{hit.rank:>2}  ", "bold"), (plain(place(hit)), "cyan"), ("  " + legs(hit), "dim"))
        screen.print(head)
        print_passage(screen, snippet(hit.text, query))


def print_passage(screen: Console, passage: Text, style: str = "") -> None:
    """A passage set in from the margin; a pipe gets it as one line."""
    if screen.is_terminal:
        screen.print(Padding(passage, (0, 0, 0, 4)), style=style, soft_wrap=False)
    else:
        screen.print(Text("    ") + passage)


def legs(hit: Hit) -> str:
    """Both legs' rank and score, in few signs."""
    told = [
        f"{name} #{leg.rank}" + (f" {leg.score:.2f}" if leg.score is not None else "")
        for name, leg in hit.legs.items()
        if leg.rank is not None
    ]
    return " · ".join(told)


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """A bar on stderr where a person watches; nothing where nobody does. Gives a function that takes Progress."""
    screen = Console(stderr=True, highlight=False)
    if not screen.is_terminal:
        yield lambda step: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*columns, TimeRemainingColumn(compact=True), console=screen, transient=True) as bar:
        task = bar.add_task(title, total=None, told="")

        def show(step: Progress) -> None:
            chunks = f"{step.part:,} of its {step.parts:,} chunks" if step.long else f"{step.chunks:,} chunks"
            told = f"{chunks}, {step.tokens_per_s:,.0f} tokens/s"
            told += f", {step.failures} failed" if step.failures and not step.long else ""
            name = plain(Path(step.current).name)[:32].replace("[", "\\[")
            bar.update(task, completed=step.done, total=step.total or None, told=told, description=name or title)

        yield show


def follow(title: str, steps: Iterator[Progress]) -> Report | None:
    """Run a long job to its end behind a bar; its report, if it made one."""
    report = None
    with progress_bar(title) as show:
        for step in steps:
            show(step)
            report = step.report or report
    return report
