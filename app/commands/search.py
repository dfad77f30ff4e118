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

    collection = session.collection()
    embedder = None if mode == "words" and not rerank else session.embedder(collection)
    found = Look(top, instruction, mode, filters_from(filter_), rerank).find(collection, embedder, query)
    if session.json:
        hits = [hit_json(hit) for hit in found.hits]
        emit(session, {"query": query, "hits": hits, "notes": list(found.notes), "seconds": found.seconds})
        return
    for note in found.notes:
        say(f"note: {note}")
    if not found.hits:
        say("nothing found")
    print_hits(session, found.hits, query)


@dataclass(frozen=True, slots=True)
class Look:
    """How to search: the options that search, ask and chat share."""

    top: int
    instruction: str
    mode: Any
    filters: Filters
    rerank: bool = False

    def find(self, collection: Collection, embedder: Embedder | None, query: str) -> Found:
        """The passages for a query; an empty one is refused, as it has no vector and no words."""
        from app.rerank import rerank

        if not query.strip():
            raise Failure("the query is empty: give it some words")
        dense = None if self.mode == "words" else embedder
        found = collection.search(
            query, dense, top=self.top, mode=self.mode, instruction=self.instruction, filters=self.filters
        )
        if not self.rerank or embedder is None:
            return found
        return replace(found, hits=rerank(query, found.hits, cast("Writer", embedder.engine)))


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
        "twofold compare 延期 --methods mean,last --json",
    ),
)
def compare(
    session: Session,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    methods: Annotated[str, typer.Option("--methods", metavar="A,B,…", help="Methods the collection has vectors of.")],
    top: Top = 5,
    instruction: Instruction = "",
    mode: Mode = "dense",
    filter_: Filter = [],  # noqa: B006  # typer reads the default and never changes it
) -> None:
    """Put one query through several methods side by side, and say how far they agree."""
    from app.commands.models import another
    from app.commands.output import console, emit, hit_json, print_hits
    from app.compare import compare as compared

    collection = session.collection()
    names = [name.strip() for name in methods.split(",") if name.strip()]
    if len(names) < 2:
        raise typer.BadParameter("--methods takes at least two names, with commas between")
    first = session.embedder(collection, names[0])
    embedders = {names[0]: first}
    for name in names[1:]:
        embedders[name] = another(session.settings, first, name)
    result = compared(
        collection, query, embedders, top=top, filters=filters_from(filter_), mode=mode, instruction=instruction
    )
    if session.json:
        columns = {name: [hit_json(hit) for hit in found.hits] for name, found in result.columns.items()}
        pairs = {
            f"{o.left},{o.right}": {"shared": o.shared, "jaccard": o.jaccard, "rbo": o.rbo} for o in result.overlaps
        }
        emit(session, {"query": query, "columns": columns, "overlap": pairs})
        return
    for name, found in result.columns.items():
        console(session).print(f"\n{name}", style="bold")
        print_hits(session, found.hits, query)
    for o in result.overlaps:
        told = f"{o.left} and {o.right}: {o.shared} passages in both, rank-biased overlap {o.rbo:.2f}"
        console(session).print("\n" + told)
