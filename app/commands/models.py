"""Commands about models and methods, and which of them a command uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.commands.frame import Session, command
from app.known_models import BUNDLED, place_of, remember
from app.settings import Settings

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection

PANEL = "Models and methods"


def embedder_for(settings: Settings, collection: Collection | None, method: str = "") -> Embedder:
    """The model and method asked for; what was not asked for is as the collection's default space has it."""
    from embedder import open_embedder

    model, method = wanted(settings, collection, method)
    place = model if settings.model else place_of(settings.home, model)
    made = open_embedder(
        place, method, device=settings.device, dtype=settings.dtype, revision=settings.revision or None
    )
    remember(settings.home, made.engine.name, place)
    return made


def another(settings: Settings, first: Embedder, method: str) -> Embedder:
    """The same model, loaded already, under another method."""
    from embedder import open_embedder

    name = first.engine.name
    return open_embedder(settings.model or place_of(settings.home, name), method, engine=first.engine)


def wanted(settings: Settings, collection: Collection | None, method: str = "") -> tuple[str, str]:
    """Names of the model and the method to use, before anything is loaded."""
    method = method or settings.method
    space = collection.default_space() if collection is not None else None
    if settings.model or space is None:
        return settings.model or BUNDLED, method
    return space.model, method or space.method


def note_untrained(embedder: Embedder) -> None:
    """Say where a method made for trained weights runs on weights not known to be trained for it."""
    from app.commands.output import say

    if embedder.untrained:
        name, model = embedder.method.name, embedder.engine.name
        say(f"untrained use: {name} wants weights trained for it, and nothing says that {model} was")


@command(
    PANEL,
    (
        "twofold methods",
        "twofold methods add echo",
        "twofold methods use echo",
        "twofold methods use sbert@all-MiniLM-L6-v2",
        "twofold methods rollback",
        "twofold methods drop echo",
        "twofold methods --markdown",
    ),
)
def methods(
    session: Session,
    action: Annotated[
        str, typer.Argument(metavar="[add|use|rollback|drop]", help="What to do with a method here.")
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which method.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="The table as Markdown, as in the README.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With add: only tell time and disk.")] = False,
) -> None:
    """List the methods, or give a collection the vectors of one more (add), make it the default (use), drop it.

    rollback makes the default before the last `use` the default again. With --json the list has each method's card,
    with what was measured in the collection.
    """
    from app.commands import spaces
    from app.methods_table import markdown_table
    from embedder import find_method

    if not action:
        if markdown:
            session.out.write(markdown_table())
        else:
            list_methods(session)
        return
    if action == "rollback" and not name:
        spaces.rollback(session)
        return
    if action not in ("add", "use", "drop") or not name:
        got = f"{action} {name}".rstrip()
        raise typer.BadParameter(
            f"it is `twofold methods`, `methods rollback` or `methods add|use|drop NAME`; got {got!r}"
        )
    if action == "add":
        find_method(name)  # a name that is none is told with the nearest one, before anything is opened
        spaces.add(session, name, dry_run=dry_run)
    elif action == "use":
        spaces.use(session, name)
    else:
        spaces.drop(session, name)


def list_methods(session: Session) -> None:
    """Every row of the table."""
    from app.commands.evaluating import here
    from app.commands.output import emit, table
    from app.methods_table import cards
    from embedder import METHODS

    if session.json:
        emit(session, {"methods": cards(here(session))})
        return
    rows = [
        (m.name, m.pool, "causal" if m.causal else "both ways", "trained" if m.trained else "any", m.title, m.source)
        for m in METHODS.values()
    ]
    table(session, ("method", "pooling", "attention", "weights", "title", "source"), rows)


@command(
    PANEL,
    (
        "twofold models",
        "twofold models pocket",
        "twofold models ~/models/Qwen3-0.6B",
        "twofold models export pocket --gguf pocket.gguf --quantize q8_0",
    ),
)
def models(
    session: Session,
    which: Annotated[str, typer.Argument(metavar="[MODEL|export]", help="Show this one: pocket, folder, file.")] = "",
    folder: Annotated[str, typer.Argument(metavar="[FOLDER]", help="With export: which model to write.")] = "",
    gguf: Annotated[Path | None, typer.Option("--gguf", metavar="OUT", help="With export: the file to write.")] = None,
    quantize: Annotated[
        Literal["f16", "q8_0", "q4_k_m", "bf16", "f32"],
        typer.Option(help="With export: how weights are kept."),
    ] = "f16",
) -> None:
    """List the bundled model and those a collection was made with, show one's card, or write one as a GGUF file."""
    from app.commands.output import emit, size, table
    from app.model_list import described, known_models

    if which == "export":
        if not folder or gguf is None:
            raise typer.BadParameter("it is `twofold models export FOLDER --gguf OUT [--quantize f16|q8_0|q4_k_m]`")
        export(session, folder, gguf, quantize)
        return
    if folder or gguf is not None:
        raise typer.BadParameter("a second name and --gguf belong to `twofold models export`")
    if which:
        show_card(session, described(session.settings, which))
        return
    found = known_models(session.settings)
    if session.json:
        emit(session, {"models": found})
        return
    heads = ("model", "method", "writes", "dimensions", "longest text", "size", "used by")
    rows = [
        (
            row["model"],
            row["method"] or "-",
            "yes" if row["writes"] else "no",
            row["dim"] or "-",
            f"{row['limit']:,} tokens" if row["limit"] else "-",
            size(row["bytes"]) if row["bytes"] else "-",
            ", ".join(row["used_by"]) or "-",
        )
        for row in found
    ]
    table(session, heads, rows)


def export(session: Session, folder: str, out: Path, quantize: str) -> None:
    """Write a model folder as one GGUF file."""
    from app.commands.output import console, emit, size
    from embedder import read_card
    from embedder.gguf_export import export_gguf

    written = export_gguf(folder, out, quantize)
    count = written.stat().st_size
    if session.json:
        method = read_card(str(written)).method
        emit(session, {"model": folder, "gguf": str(written), "quantize": quantize, "bytes": count, "method": method})
        return
    console(session).print(f"{written}: {size(count)}, {quantize}", highlight=False)


def show_card(session: Session, facts: dict[str, Any]) -> None:
    """A model's facts, and its card as its author wrote it."""
    from app.commands.output import console, emit, plain

    if session.json:
        emit(session, facts)
        return
    screen = console(session)
    for name, value in facts.items():
        if name not in ("card", "used_by"):
            screen.print(f"{name:<12} {value}")
    if facts["card"]:
        screen.print("\n" + plain(facts["card"]))


@command(
    PANEL,
    ('twofold inspect "a short text" --method echo', 'twofold inspect "短文" --side query --json'),
    name="inspect",
)
def inspect_text(
    session: Session,
    text: Annotated[str, typer.Argument(help="Any text.")],
    side: Annotated[Literal["query", "document"], typer.Option(help="As a question or as a passage.")] = "document",
    instruction: Annotated[str, typer.Option(help="For the question; else the method's own.")] = "",
) -> None:
    """Show what a method makes of a text: its tokens, and how much each weighs in the vector."""
    from app.commands.output import console, emit, table
    from app.parts_tokens import about, bar, laid_open

    embedder = session.embedder()
    note_untrained(embedder)
    shown = laid_open(embedder, side, text, instruction)
    if session.json:
        emit(session, shown)
    else:
        most = max(t["weight"] for t in shown["tokens"])
        rows = [
            (at, t["id"], t["token"], t["part"], t["weight"], bar(t["weight"] / most))
            for at, t in enumerate(shown["tokens"])
        ]
        table(session, ("", "id", "token", "from", "weight", ""), rows)
        console(session).print(about(shown))
