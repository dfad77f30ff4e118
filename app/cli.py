"""`twofold`: the program its commands make together. Each command is in app/commands, by what it is about."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from app.commands import answers, ingest, library, measure, models, search, serve, synthesis, testsets, training
from app.commands.frame import program, remember, with_options

MODULES = (
    answers,
    ingest,
    library,
    measure,
    models,
    search,
    serve,
    synthesis,
    testsets,
    training,
)  # importing them adds their commands
ORDER = (
    "ingest search ask chat app compare eval testset methods models train synthesize inspect embed"
    " status doctor remove export"
).split()  # as the help lists them


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"twofold {version('twofold')}")
        raise typer.Exit


def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Search a folder by meaning and ask it questions, on this machine alone; one language model does both.

    The common options may stand before or after the command. Every command explains itself with --help.
    """


def _keep(context: typer.Context, common: dict[str, Any], _values: dict[str, Any]) -> None:
    remember(context, **common)


EXAMPLES = (
    "twofold ingest ~/Documents",
    'twofold search "how long may a permit be extended"',
    'twofold ask "Who may extend a permit?"',
    "twofold app",
)
_help = inspect.cleandoc(root.__doc__ or "") + "\n\n\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES)
program.callback(help=_help)(with_options(root, _keep))
program.registered_commands.sort(key=lambda row: ORDER.index(row.name or ""))


def main() -> None:
    """Run the command line."""
    program(prog_name="twofold")
