"""One query through several contenders: a column of hits each, how far they agree, who moved and by how much.

Draws nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.contenders import Contender
    from embedder.embedder import Embedder
    from indexer import Collection, Filters, Found, Hit

PERSISTENCE = 0.9  # of rank-biased overlap: about the first ten ranks carry most of it
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two columns agree: hits in both, of all hits (Jaccard), and rank-biased overlap; both 0 to 1."""

    left: str
    right: str
    shared: int
    jaccard: float
    rbo: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Columns by label, and the overlap of each pair."""

    query: str
    columns: dict[str, Found]
    overlaps: tuple[Overlap, ...]

    def ordered(self, labels: Sequence[str]) -> Comparison:
        """The same columns in another order."""
        return beside(self.query, {label: self.columns[label] for label in labels})


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that some column found: its `letter`, its rank in each column (None: not there), one of its hits."""

    letter: str
    hit: Hit
    ranks: dict[str, int | None]

    @property
    def shared(self) -> int:
        """How many columns have it."""
        return sum(rank is not None for rank in self.ranks.values())

    @property
    def spread(self) -> int:
        """By how many ranks the columns that have it differ."""
        there = [rank for rank in self.ranks.values() if rank is not None]
        return max(there) - min(there)


def compare(
    collection: Collection,
    query: str,
    contenders: Iterable[tuple[Contender, Embedder | None]],
    *,
    top: int,
    filters: Filters,
) -> Comparison:
    """Search once with each contender, in the order they come."""
    columns = {
        one.label: collection.search(
            query, embedder, top=top, mode=one.mode, instruction=one.instruction, filters=filters
        )
        for one, embedder in contenders
    }
    return beside(query, columns)


def beside(query: str, columns: dict[str, Found]) -> Comparison:
    """Columns that are there already, with the overlap of each pair."""
    pairs = tuple(overlap(a, columns[a].hits, b, columns[b].hits) for a, b in combinations(columns, 2))
    return Comparison(query, columns, pairs)


def overlap(left: str, left_hits: Sequence[Hit], right: str, right_hits: Sequence[Hit]) -> Overlap:
    """The agreement of two columns."""
    from indexer import fuse

    a, b = [hit.chunk for hit in left_hits], [hit.chunk for hit in right_hits]
    most = max(len(a), len(b), 1)
    shared = len(set(a) & set(b))
    return Overlap(left, right, shared, fuse.jaccard(a, b, most), fuse.rbo(a, b, PERSISTENCE))


def passages(columns: Mapping[str, Found]) -> list[Passage]:
    """Every chunk found, in the order of its best rank, with a letter of its own: A, B, …, Z, AA, …"""
    hits: dict[int, Hit] = {}
    for found in columns.values():
        for hit in found.hits:
            if hit.chunk not in hits or hit.rank < hits[hit.chunk].rank:
                hits[hit.chunk] = hit
    ranks = {name: {hit.chunk: hit.rank for hit in found.hits} for name, found in columns.items()}
    ordered = sorted(hits.values(), key=lambda hit: hit.rank)
    return [
        Passage(letter(at), hit, {name: there.get(hit.chunk) for name, there in ranks.items()})
        for at, hit in enumerate(ordered)
    ]


def letter(at: int) -> str:
    """A, B, …, Z, AA, AB, … by position from 0."""
    return (letter(at // 26 - 1) if at >= 26 else "") + LETTERS[at % 26]


def moved(passage: Passage, column: str, first: str) -> str:
    """How a passage moved from the first column to another one, in few signs; "" where that cannot be said."""
    before, now = passage.ranks[first], passage.ranks[column]
    if column == first or now is None:
        return ""
    if before is None:
        return "new"
    return "=" if before == now else f"▲ {before - now}" if now < before else f"▼ {now - before}"


def document(comparison: Comparison, about: Mapping[str, Any]) -> dict[str, Any]:
    """All of it as plain values, to be saved as JSON; `about` is how it was asked."""
    return {
        "query": comparison.query,
        **about,
        "columns": {
            name: {"seconds": found.seconds, "notes": list(found.notes), "hits": [plain(hit) for hit in found.hits]}
            for name, found in comparison.columns.items()
        },
        "overlap": [asdict(one) for one in comparison.overlaps],
    }


def plain(hit: Hit) -> dict[str, Any]:
    """A hit as plain values."""
    names = ("rank", "score", "chunk", "path", "page", "start", "end", "text")
    return {name: getattr(hit, name) for name in names}


def table(comparison: Comparison) -> str:
    """A line of CSV for each passage: its rank in every column, where it stands, how it begins."""
    out = io.StringIO()
    lines = csv.writer(out)
    names = list(comparison.columns)
    lines.writerow(["passage", *names, "path", "page", "start", "end", "text"])
    for one in passages(comparison.columns):
        hit = one.hit
        ranks = ["" if one.ranks[name] is None else one.ranks[name] for name in names]
        lines.writerow([one.letter, *ranks, inert(hit.path), hit.page, hit.start, hit.end, inert(hit.text)])
    return out.getvalue()


def inert(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
