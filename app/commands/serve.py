"""The command that opens the pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.frame import Failure, Session, command
from app.settings import Settings


@command("Use", ("twofold app", "twofold app --port 8600", "twofold app --first examples"))
def app(
    session: Session,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Serve here; 0: the first free one from 8501.")] = 0,
    first: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read this folder first if none was read yet.")
    ] = None,
) -> None:
    """Open the pages in a browser: search, ask, library, models. Only this machine can reach them."""
    from app.commands.output import emit, say
    from app.serve import free_port, serve

    if first is not None:
        welcome(session, first)
    chosen = free_port(port)

    def ready(address: str) -> None:
        if session.json:
            emit(session, {"address": address})
        else:
            session.out.write(f"Twofold is open at {address}\n")
            session.out.flush()
            say("Only this machine can reach it. Ctrl-C ends it.")

    code = serve(with_model(session), chosen, ready, session.settings.home / "logs" / "pages.log")
    if code not in (0, -2, -15, 130, 143):
        raise RuntimeError(f"the pages ended with exit code {code}; see {session.settings.home / 'logs'}")


def with_model(session: Session) -> Settings:
    """The settings for the pages: where no model was asked for, the one the collection was made with."""
    from app.commands.models import wanted
    from app.known_models import place_of

    settings = session.settings
    if settings.model:
        return settings
    name, _ = wanted(settings, session.collection(create=True))
    return settings.model_copy(update={"model": place_of(settings.home, name)})


def welcome(session: Session, folder: Path) -> None:
    """Read a folder into a collection that has read none yet, so that a first visit finds something."""
    from app.commands.ingest import ingest_folder, summary
    from app.commands.output import say
    from app.commands.stopping import interruptible

    collection = session.collection(create=True)
    if collection.status()["folders"]:  # a folder is noted once it was read to its end
        return
    say(f"Reading {folder} …")
    with interruptible() as stop:
        report = ingest_folder(session, collection, folder, prune=False, stop=stop)
    if not session.json:
        summary(session, report)
    if report.stopped:
        raise Failure("stopped; what was read is kept, and the same command goes on from there")
