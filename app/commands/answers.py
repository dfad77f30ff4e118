"""Commands that answer: one question, or a conversation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from app.commands.frame import Session, command
from app.commands.search import PANEL, Filter, Instruction, Look, Mode, check_words, filters_from

if TYPE_CHECKING:
    from app.answer import Answer, Author
    from app.conversation import Turn
    from embedder.embedder import Embedder
    from indexer import Collection

TOP = 8
Style = Annotated[
    Literal["auto", "quote", "write"],
    typer.Option(help="Sentences of your files, or the model's own with sources; auto: what the model does well."),
]

Rerank = Annotated[
    bool | None,
    typer.Option("--rerank/--no-rerank", help="Let the model re-order the passages first; else as its card says."),
]


@dataclass(slots=True)
class Asking:
    """What stays the same from question to question."""

    collection: Collection
    embedder: Embedder
    style: Literal["quote", "write"]
    look: Look
    stop: threading.Event = field(default_factory=threading.Event)


def asking(
    session: Session, style: str, mode: str, instruction: str, filters: list[str], rerank: bool | None
) -> Asking:
    """Open the collection and the model; what is left to the model is as its card says it does well."""
    from app.model_list import card_of

    chosen = filters_from(filters)
    collection = session.collection()
    embedder = session.embedder(collection)
    card = card_of(embedder.engine.name, session.settings.home)
    look = Look(TOP, instruction, mode, chosen, card.rerank if rerank is None else rerank)
    writes = style == "write" or (style == "auto" and card.writes)
    return Asking(collection, embedder, "write" if writes else "quote", look)


def answered(asking: Asking, question: str, history: Sequence[Turn], show: Any) -> Answer:
    """Search, then answer; `show` gets each piece of text as it comes."""
    from app.answer import Answer, answer
    from app.conversation import standalone
    from app.saved import p_value

    found = asking.look.find(asking.collection, asking.embedder, standalone(question, history))
    odds = p_value(asking.collection, asking.embedder, found) if asking.look.mode != "words" else None
    steps = answer(
        question, found, writer=cast("Author", asking.embedder.engine), embedder=asking.embedder, style=asking.style,
        history=history, p_value=odds, stop=asking.stop,
    )  # fmt: skip
    whole = None
    for step in steps:
        if isinstance(step, Answer):
            whole = step
        else:
            show(step.text)
    if whole is None:
        raise RuntimeError("the answer ended before it was whole")
    return whole


@command(
    PANEL,
    (
        'twofold ask "Who may extend a permit?"',
        'twofold ask "许可证由谁延期？" --style quote',
        'twofold ask "Who signed it?" --json',
    ),
)
def ask(
    session: Session,
    question: Annotated[str, typer.Argument(help="A question your files may answer.")],
    style: Style = "auto",
    instruction: Instruction = "",
    mode: Mode = "hybrid",
    filter_: Filter = [],  # noqa: B006  # typer reads the default and never changes it
    rerank: Rerank = None,
) -> None:
    """Answer a question from your files, with the passages the answer rests on; or say that it is not in them."""
    from app.commands.output import emit
    from app.commands.stopping import interruptible

    check_words(question)
    told = asking(session, style, mode, instruction, filter_, rerank)
    with interruptible() as told.stop:
        whole = answered(told, question, (), writer_to(session))
    if session.json:
        emit(session, answer_json(whole))
    else:
        sources(session, whole)
    if whole.stopped:
        raise typer.Exit(1)


@command(PANEL, ("twofold chat", "twofold chat --style write"))
def chat(
    session: Session,
    style: Style = "auto",
    instruction: Instruction = "",
    mode: Mode = "hybrid",
    filter_: Filter = [],  # noqa: B006  # typer reads the default and never changes it
    rerank: Rerank = None,
) -> None:
    """Keep a conversation: questions that follow see the ones before. An empty line or Ctrl-D ends it."""
    from app.commands.output import emit
    from app.commands.stopping import interruptible
    from app.conversation import Turn

    told = asking(session, style, mode, instruction, filter_, rerank)
    history: list[Turn] = []
    talk: list[dict[str, Any]] = []
    while question := next_question():
        with interruptible() as told.stop:
            whole = answered(told, question, history, writer_to(session))
        history.append(Turn(question, whole.text))
        talk.append({"question": question, **answer_json(whole)})
        if not session.json:
            sources(session, whole)
    if session.json:
        emit(session, {"turns": talk})


def next_question() -> str:
    """The next line a person types, or of a pipe; "" at the end."""
    import sys

    if sys.stdin.isatty():
        sys.stderr.write("\n> ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()


def writer_to(session: Session) -> Any:
    """Shows text as it comes to a person; for JSON it waits for the whole."""
    from app.commands.output import plain

    def show(text: str) -> None:
        if not session.json:
            session.out.write(plain(text))
            session.out.flush()

    return show


def answer_json(whole: Answer) -> dict[str, Any]:
    """An answer as the contract names its fields."""
    citations = [
        {"ordinal": c.ordinal, "path": c.path, "page": c.page, "start": c.start, "end": c.end, "text": c.text}
        for c in whole.citations
    ]
    return {
        "answer": whole.text,
        "refused": whole.refused,
        "citations": citations,
        "seconds_to_first_token": whole.seconds_to_first_token,
        "style": whole.style,
        "unsupported": [list(span) for span in whole.unsupported],
    }


def sources(session: Session, whole: Answer) -> None:
    """The passages an answer rests on, under it."""
    from rich.text import Text

    from app.commands.output import console, plain, print_passage, snippet

    screen = console(session)
    screen.print()
    for c in whole.citations:
        where = f"{c.path}, {c.page}" if c.page else c.path
        screen.print(
            Text.assemble((f"[{c.ordinal}] ", "bold"), (plain(where), "cyan"), (f"  {c.start}:{c.end}", "dim"))
        )
        if whole.style == "write":
            print_passage(screen, snippet(c.text, limit=200), "dim")
    if whole.unsupported:
        screen.print(Text(f"{len(whole.unsupported)} sentence(s) rest on no passage that was found.", "yellow"))
