"""Commands that look things up: search, ask, chat, compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from app.commands.frame import Failure, Session, command

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from embedder.engine import Writer
    from indexer import Collection, Filters, Found

PANEL = "Use"
Mode = Annotated[
    Literal["hybrid", "dense", "words"], typer.Option(help="By meaning and words, by meaning, or by words alone.")
]
Top = Annotated[int, typer.Option("--top", min=1, max=1000, help="How many passages.")]
Instruction = Annotated[str, typer.Option(help="What the query is after, for methods that read one.")]
Filter = Annotated[
    list[str],
    typer.Option("--filter", metavar="KEY=VALUE", help="path, kind, since or until; may be given several times."),
]


@command(
    PANEL,
    (
        'twofold search "how long may a permit be extended"',
        'twofold search "许可证可以延期多久" --top 3',
        "twofold search permit --filter kind=pdf --filter since=2026-01-01",
        'twofold search "ERR_FIN_403" --mode words --json',
    ),
)
def search(
    session: Session,
    query: Annotated[str, typer.Argument(help="What to look for, in any words or language the model knows.")],
    top: Top = 10,
    instruction: Instruction = "",
    mode: Mode = "hybrid",
    filter_: Filter = [],  # noqa: B006  # typer reads the default and never changes it
    rerank: Annotated[bool, typer.Option("--rerank", help="Let the model re-order them by reading each.")] = False,
) -> None:
    """Find the passages that answer a query, with the file, page and span each stands at."""
    from app.commands.output import emit, hit_json, print_hits, say

    check_words(query)
    look = Look(top, instruction, mode, filters_from(filter_), rerank)
    collection = session.collection()
    embedder = None if mode == "words" and not rerank else session.embedder(collection)
    found = look.find(collection, embedder, query)
    if session.json:
        hits = [hit_json(hit) for hit in found.hits]
        emit(session, {"query": query, "hits": hits, "notes": list(found.notes), "seconds": found.seconds})
        return
    for note in found.notes:
        say(f"note: {note}")
    if embedder is not None and mode != "words":
        say_how_to_add(session, collection, embedder)
    if not found.hits:
        say("nothing found")
    print_hits(session, found.hits, query)


def say_how_to_add(session: Session, collection: Collection, embedder: Embedder) -> None:
    """The command that makes the vectors asked for, where the collection has none of them."""
    from app.commands.output import say

    if not any(space.fingerprint == embedder.fingerprint for space in collection.spaces()):
        model = f" --model {session.settings.model}" if session.settings.model else ""
        say(f"`twofold methods add {embedder.method.name}{model}` makes them")


@dataclass(frozen=True, slots=True)
class Look:
    """How to search: the options that search, ask and chat share."""

    top: int
    instruction: str
    mode: Any
    filters: Filters
    rerank: bool = False

    def find(self, collection: Collection, embedder: Embedder | None, query: str) -> Found:
        """The passages for a query."""
        from app.rerank import rerank

        dense = None if self.mode == "words" else embedder
        found = collection.search(
            query, dense, top=self.top, mode=self.mode, instruction=self.instruction, filters=self.filters
        )
        if not self.rerank or embedder is None:
            return found
        return replace(found, hits=rerank(query, found.hits, cast("Writer", embedder.engine)))


def check_words(query: str) -> None:
    """Refuse a query of nothing, which has no vector and no words, before anything is opened for it."""
    if not query.strip():
        raise Failure("the query is empty: give it some words")


def filters_from(pairs: list[str]) -> Filters:
    """The filters of `--filter`; a wrong one is wrong usage."""
    from indexer import Filters

    try:
        return Filters.parse(*pairs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@command(
    PANEL,
    (
        'twofold compare "how long may a permit be extended" --methods pocket,echo',
        "twofold compare 延期 --methods pocket,pocket+words,words --json",
        'twofold compare "extended permit" --methods pocket,sbert@all-MiniLM-L6-v2',
    ),
)
def compare(
    session: Session,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    methods: Annotated[
        str, typer.Option("--methods", metavar="A,B,…", help="METHOD, METHOD@MODEL, METHOD+words, words.")
    ],
    top: Top = 5,
    instruction: Instruction = "",
    mode: Mode = "dense",
    filter_: Filter = [],  # noqa: B006  # typer reads the default and never changes it
) -> None:
    """Put one query through several methods side by side, words alone and both together too; say how far they agree.

    Vectors of several models are asked one model after the other.
    """
    from app.commands.output import console, emit, hit_json, print_hits, say
    from app.compare import compare as compared
    from app.contenders import opened, parsed

    check_words(query)
    filters = filters_from(filter_)
    collection = session.collection()
    asked = parsed(methods, collection.spaces(), mode, instruction)
    if len(asked) < 2:
        raise typer.BadParameter("--methods takes at least two names, with commas between")
    home = collection.default_space()
    pairs = opened(session.settings, asked, session.settings.model or (home.model if home else "pocket"))
    result = compared(collection, query, pairs, top=top, filters=filters)
    result = result.ordered([one.label for one in asked])
    if session.json:
        columns = {name: [hit_json(hit) for hit in found.hits] for name, found in result.columns.items()}
        pairs_told = {
            f"{o.left},{o.right}": {"shared": o.shared, "jaccard": o.jaccard, "rbo": o.rbo} for o in result.overlaps
        }
        seconds = {name: found.seconds for name, found in result.columns.items()}
        emit(session, {"query": query, "columns": columns, "overlap": pairs_told, "seconds": seconds})
        return
    for name, found in result.columns.items():
        console(session).print(f"\n{name}", style="bold")
        for note in found.notes:
            say(f"note: {note}")
        print_hits(session, found.hits, query)
    for o in result.overlaps:
        told = f"{o.left} and {o.right}: {o.shared} passages in both, rank-biased overlap {o.rbo:.2f}"
        console(session).print("\n" + told)
