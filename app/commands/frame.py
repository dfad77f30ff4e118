"""What every command shares: the common options, the session they make, and how a failure is told.

Knows no command. Whatever takes long to import is imported where it is used, so that help and the commands which
need no model start at once.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from app.settings import Settings, read_settings

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection


def _common(flag: str, metavar: str, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, rich_help_panel="Common options", help=text, show_default=False)


OPTIONS: dict[str, Any] = {
    "home": Annotated[Path | None, _common("--home", "DIR", "Where collections are kept (TWOFOLD_HOME).")],
    "collection": Annotated[str | None, _common("--collection", "NAME", "Which collection, if not the default one.")],
    "model": Annotated[str | None, _common("--model", "MODEL", "A folder, a hub id, FILE.gguf; else the bundled one.")],
    "method": Annotated[str | None, _common("--method", "NAME", "How texts become vectors; see `twofold methods`.")],
    "json": Annotated[bool, typer.Option("--json", rich_help_panel="Common options", help="One JSON document.")],
}


program = typer.Typer(
    name="twofold",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Failure(Exception):
    """A reason to stop that a person reads as it is: one line."""


@dataclass(slots=True)
class Session:
    """One run of one command: its settings, whether it answers in JSON, and where its answer goes."""

    settings: Settings
    json: bool
    out: TextIO
    given: dict[str, Any] = field(default_factory=dict)

    def collection(self, *, create: bool = False) -> Collection:
        """The collection named by the options; without `create`, a missing one is a failure."""
        from indexer import Collection

        home = self.settings.make_home() if create else self.settings.home
        return Collection.open(home, self.settings.collection, create=create)

    def embedder(self, collection: Collection | None = None, method: str = "") -> Embedder:
        """The embedder asked for; where nothing is, the one the collection was made with."""
        from app.commands.models import embedder_for

        return embedder_for(self.settings, collection, method)


def quiet_libraries() -> None:
    """Model libraries neither ask a hub how it is nor draw progress bars of their own over ours."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def one_line(error: BaseException) -> str:
    """The reason in one line; an error nobody foresaw also says its kind, for a report."""
    told = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else str(error)
    text = " ".join(told.split()) or type(error).__name__
    expected = isinstance(error, Failure | ValueError | OSError | LookupError | RuntimeError)
    return text if expected else f"{type(error).__name__}: {text}"


def guarded(work: Callable[[], None]) -> None:
    """Run a command; a failure is one line on stderr and exit code 1 (all of it with TWOFOLD_DEBUG=1)."""
    try:
        work()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        print("twofold: stopped. What was finished is kept.", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1) from None
    except Exception as error:
        if os.environ.get("TWOFOLD_DEBUG"):
            raise
        print(f"twofold: {one_line(error)}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1) from None


def open_session(given: dict[str, Any]) -> Session:
    """A session from the options given before and after the command's name."""
    as_json = bool(given.pop("json", False))
    try:
        settings = read_settings(**given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    out = sys.stdout
    if hasattr(out, "reconfigure"):  # a path that is no text, a terminal without Chinese: shown as far as they go
        out.reconfigure(errors="backslashreplace")
    return Session(settings, as_json, out, given)


def remember(context: typer.Context, **given: Any) -> None:
    """Keep the common options given before the command's name."""
    context.obj = {name: value for name, value in given.items() if value not in (None, False)}


def with_options(
    function: Callable[..., Any], own: Callable[[typer.Context, dict[str, Any], dict[str, Any]], None]
) -> Any:
    """A function with `function`'s parameters (less its first) and the common options, as typer reads them."""
    signature = inspect.signature(function, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    mine = [parameter.replace(kind=keyword) for parameter in list(signature.parameters.values())[1:]]
    common = [
        inspect.Parameter(name, keyword, default=False if name == "json" else None, annotation=option)
        for name, option in OPTIONS.items()
    ]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)

    def run(**values: Any) -> None:
        common_values = {name: values.pop(name) for name in OPTIONS}
        own(values.pop("context"), common_values, values)

    run.__signature__ = signature.replace(parameters=[context, *mine, *common])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [context, *mine, *common]}
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return run


Command = Callable[..., None]


def command(panel: str, examples: tuple[str, ...], name: str | None = None) -> Callable[[Command], Command]:
    """Add a function `(session, ...)` to the program as a command with the common options and examples in its help."""

    def add(function: Command) -> Command:
        def own(context: typer.Context, common: dict[str, Any], values: dict[str, Any]) -> None:
            given = {**(context.obj or {}), **{k: v for k, v in common.items() if v not in (None, False)}}
            session = open_session(given)
            quiet_libraries()
            with redirect_stdout(sys.stderr):  # whatever a library prints, the answer stays one document
                guarded(lambda: function(session, **values))

        lines = "\n".join(f"  {line}" for line in examples)
        text = textwrap.dedent(inspect.getdoc(function) or "")
        told = f"{text}\n\n\b\nExamples:\n{lines}".replace("[", "\\[")
        program.command(name or function.__name__, help=told, rich_help_panel=panel)(with_options(function, own))
        return function

    return add
