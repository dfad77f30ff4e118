"""Commands about what a collection holds: remove, status, doctor, export."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.frame import Failure, Session, command

PANEL = "Your files"
FAILURES_SHOWN = 10


def whole(path: Path) -> Path:
    """A path from the root, without . and .. in it: as the collection knows it."""
    return Path(os.path.abspath(path.expanduser()))


@command(PANEL, ("twofold remove ~/Documents/old.pdf", "twofold remove ~/Documents/2019"))
def remove(
    session: Session,
    path: Annotated[Path, typer.Argument(help="A file or folder that was read; it need not exist any more.")],
) -> None:
    """Forget a file, or all files under a folder: text, words and vectors. The files themselves are not touched."""
    from app.commands.output import console, emit

    collection = session.collection()
    count = collection.remove(whole(path))
    if not count:
        raise Failure(f"nothing in {session.settings.collection!r} was read from {path}")
    if session.json:
        emit(session, {"path": str(path), "removed": count})
    else:
        files = "1 file" if count == 1 else f"{count:,} files"
        console(session).print(f"forgot {files}; reading the folder again would bring back what is there")


@command(PANEL, ("twofold status", "twofold status --collection papers --json"))
def status(session: Session) -> None:
    """Show what the collection holds, its methods, its size on disk, and the files that could not be read."""
    from app.commands.output import emit, table

    collection = session.collection()
    held = collection.status()
    if session.json:
        emit(session, held | {"not_read": [asdict(failure) for failure in collection.failures()]})
        return
    told_rows = [
        (name.replace("_", " "), told(name, value)) for name, value in held.items() if not isinstance(value, list)
    ]
    table(session, ("", str(session.settings.collection)), told_rows)
    for name, rows in (*held.items(), ("not read", collection.failures()[:FAILURES_SHOWN])):
        if isinstance(rows, list) and rows and name != "jobs":
            print_rows(session, name, rows)


def told(name: str, value: Any) -> str:
    """A value of the status for a person."""
    from app.commands.output import number, size

    if name.endswith("bytes"):
        return size(value)
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {key}" for key, count in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def print_rows(session: Session, name: str, rows: Sequence[Any]) -> None:
    """A list of the status as a table."""
    from app.commands.output import as_json, console, table

    plain_rows = [row if isinstance(row, dict) else as_json(row) for row in rows]
    console(session).print(f"\n{name}")
    heads = list(plain_rows[0])
    table(session, heads, [[told(head, row[head]) for head in heads] for row in plain_rows])


@command(PANEL, ("twofold doctor", "twofold doctor --check"))
def doctor(
    session: Session,
    check: Annotated[bool, typer.Option("--check", help="Only look; repair nothing.")] = False,
) -> None:
    """Compare the collection's parts with each other, repair what can be repaired, and say what was done."""
    from app.commands.output import console, emit

    report = session.collection().doctor(repair=not check)
    if session.json:
        emit(session, {**asdict(report), "healthy": report.healthy})
    else:
        screen = console(session)
        screen.print(f"looked at: {', '.join(report.checked)}")
        for name, lines in (("found", report.found), ("repaired", report.repaired), ("left", report.left)):
            for line in lines:
                screen.print(f"{name}: {line}")
        if not report.found and not report.left:
            screen.print("nothing is wrong")
    if not report.healthy and not check:
        raise Failure(f"{len(report.left) or len(report.found)} things could not be repaired")


@command(PANEL, ("twofold export > documents.jsonl", "twofold export --no-text --json"))
def export(
    session: Session,
    text: Annotated[bool, typer.Option(help="With the text of each document.")] = True,
) -> None:
    """Write every document with its paths, pages and chunks: a JSON line each, or one JSON document with --json."""
    from app.commands.output import emit

    rows = session.collection().export(text=text)
    if session.json:
        emit(session, {"collection": session.settings.collection, "documents": list(rows)})
        return
    for row in rows:
        session.out.write(json.dumps(row, ensure_ascii=False) + "\n")
