"""Commands about what a collection holds: ingest, remove, status, doctor, export."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.frame import Failure, Session, command

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Progress, Report

PANEL = "Your files"
FAILURES_SHOWN = 10


@command(
    PANEL,
    (
        "twofold ingest ~/Documents",
        "twofold ingest ~/Documents --watch",
        "twofold ingest papers --collection papers --json",
    ),
)
def ingest(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="A folder, read with all its subfolders, or one file.")],
    watch: Annotated[bool, typer.Option("--watch", help="Go on: read what changes until Ctrl-C.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Forget removed files even if the folder is empty or gone.")
    ] = False,
) -> None:
    """Read a folder into the collection: only what is new or changed, so it can be stopped and started at will."""
    folder = whole(folder)
    if not folder.exists() and not prune:
        raise Failure(f"there is no {folder}; if it is gone for good, --prune forgets what was read from it")
    collection = session.collection(create=True)
    embedders = ingest_embedders(session, collection)
    with interruptible() as stop:
        if watch:
            follow_changes(session, collection, folder, embedders, prune, stop)
        else:
            tell(session, ingest_folder(session, collection, folder, embedders, prune=prune, stop=stop))


def whole(path: Path) -> Path:
    """A path from the root, without . and .. in it: as the collection knows it."""
    return Path(os.path.abspath(path.expanduser()))


def ingest_embedders(session: Session, collection: Collection) -> list[Embedder]:
    """One embedder for each space the collection has, or for its first one: documents are in every space or in none."""
    from app.commands.models import another, embedder_for, note_untrained

    first = embedder_for(session.settings, collection)
    note_untrained(first)
    made = {first.fingerprint: first}
    for space in collection.spaces():
        if space.fingerprint in made:
            continue
        if space.model != first.engine.name:
            raise Failure(
                f"this collection also has vectors of {space.method} on {space.model}, another model: "
                f"drop them first with `twofold methods drop {space.method}`, or use --model {space.model}"
            )
        other = another(session.settings, first, space.method)
        made[other.fingerprint] = other
    check_spaces(collection, made)
    return list(made.values())


def check_spaces(collection: Collection, made: Mapping[str, Embedder]) -> None:
    """The embedders are those of the collection's spaces, no fewer and no more; a first one is welcome."""
    spaces = {space.fingerprint: space for space in collection.spaces()}
    for fingerprint, space in spaces.items():
        if fingerprint not in made:
            raise Failure(
                f"{space.model} has changed since its vectors of {space.method} were made: "
                f"`twofold methods add {space.method}`, then `use` and `drop` it; or start another --collection"
            )
    for fingerprint, embedder in made.items():
        if spaces and fingerprint not in spaces:
            name = embedder.method.name
            raise Failure(
                f"this collection has no vectors of {name} yet: `twofold methods add {name}` makes them first"
            )


def ingest_folder(
    session: Session,
    collection: Collection,
    folder: Path,
    embedders: Sequence[Embedder] = (),
    *,
    prune: bool,
    stop: threading.Event | None = None,
) -> Report:
    """One pass over a folder, behind a progress bar."""
    from app.commands.output import follow

    embedders = embedders or ingest_embedders(session, collection)
    report = follow("Reading", collection.ingest(folder, embedders, prune=prune, stop=stop))
    if report is None:
        raise RuntimeError("the ingestion ended without a report")
    return report


def tell(session: Session, report: Report) -> None:
    """What a pass did; one that was stopped is not done, and says what is kept."""
    from app.commands.output import emit, say

    if session.json:
        emit(session, report.json())
    else:
        summary(session, report)
    if report.stopped:
        say("stopped: every file that was finished is kept; the same command goes on from there")
        raise typer.Exit(1)


def summary(session: Session, report: Report) -> None:
    """A pass in a few lines."""
    from app.commands.output import console, plain, say

    files = {name: count for name, count in report.json()["files"].items() if count}
    told = ", ".join(f"{count:,} {name}" for name, count in files.items()) or "no files"
    screen = console(session)
    screen.print(f"{report.collection}: {told}")
    if report.chunks:
        rate = report.tokens / max(report.seconds, 1e-3)
        screen.print(
            f"{report.chunks:,} chunks, {report.tokens:,} tokens in {report.seconds:.1f} s ({rate:,.0f} tokens/s)"
        )
    if report.truncated:
        screen.print(f"{report.truncated:,} tokens did not fit the model and are in no vector")
    for failure in report.failures[:FAILURES_SHOWN]:
        screen.print(f"  not read: {plain(failure.path)}: {plain(failure.reason)}")
    if len(report.failures) > FAILURES_SHOWN:
        screen.print(f"  and {len(report.failures) - FAILURES_SHOWN:,} more: `twofold status` lists them")
    for note in report.notes[:FAILURES_SHOWN]:
        say(f"note: {note}")


def follow_changes(
    session: Session,
    collection: Collection,
    folder: Path,
    embedders: Sequence[Embedder],
    prune: bool,
    stop: threading.Event,
) -> None:
    """Read the folder, and again whenever something in it changed, until Ctrl-C; a pass without change is not told."""
    from app.commands.output import follow, say
    from indexer import watch

    steps = watch(collection, folder, embedders, stop, prune=prune)
    for number, first in enumerate(steps):  # the bar is drawn once there is something to do, not while nothing happens
        report = follow("Reading", until_report(first, steps))
        if report is None:
            break
        files = report.files
        if not number or files.added or files.updated or files.removed:
            tell(session, report)
        if not number:
            say(f"Watching {folder}. Ctrl-C ends it.")


def until_report(first: Progress, steps: Iterator[Progress]) -> Iterator[Progress]:
    """The steps of one pass; the last of them carries its report."""
    yield first
    while first.report is None:
        first = next(steps)
        yield first


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """The first Ctrl-C asks to stop after the batch under way; the second stops at once."""
    from app.commands.output import say

    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def asked(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        say("stopping after this batch; Ctrl-C again stops at once")

    signal.signal(signal.SIGINT, asked)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


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
        console(session).print(f"forgot {count:,} files; reading the folder again would bring them back")


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
