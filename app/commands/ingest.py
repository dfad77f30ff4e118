"""The command that reads a folder into a collection, once or for as long as it is watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.frame import Failure, Session, command
from app.commands.library import FAILURES_SHOWN, PANEL, whole
from app.commands.stopping import interruptible
from app.known_models import BUNDLED
from app.renewal import changed

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Progress, Report

OTHERWISE = ", then `use` it and `drop` the old ones; or open the model as it was (--model, --dtype)"


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
    if not watch:  # which waits for its turn
        with collection.lock(f"ingest {folder}"):
            pass  # a second writer is told at once, before a model is loaded for it
    embedders = ingest_embedders(session, collection)
    with interruptible() as stop:
        if watch:
            follow_changes(session, collection, folder, embedders, prune, stop)
        else:
            tell(session, ingest_folder(session, collection, folder, embedders, prune=prune, stop=stop))


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
                f"{changed(space)}: "
                f"`twofold methods add {space.method}` makes new ones" + ("" if space.model == BUNDLED else OTHERWISE)
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
