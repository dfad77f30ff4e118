"""The command that opens the pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.frame import Session, command


@command("Use", ("twofold app", "twofold app --port 8600", "twofold app --first examples"))
def app(
    session: Session,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Serve here; 0: the first free one from 8501.")] = 0,
    first: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read this folder first if the collection is empty.")
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

    code = serve(session.settings, chosen, ready, session.settings.home / "logs" / "pages.log")
    if code not in (0, -2, -15, 130, 143):
        raise RuntimeError(f"the pages ended with exit code {code}; see {session.settings.home / 'logs'}")


def welcome(session: Session, folder: Path) -> None:
    """Read a folder into a collection that has no document yet, so that a first visit finds something."""
    from app.commands.library import ingest_folder, tell
    from app.commands.output import say

    collection = session.collection(create=True)
    if collection.documents(limit=1):
        return
    say(f"Reading {folder} …")
    tell(session, ingest_folder(session, collection, folder, prune=False))
