"""One query through several spaces: a column of hits each, and how far the columns agree. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection, Filters, Found, Hit, Mode

PERSISTENCE = 0.9  # of rank-biased overlap: about the first ten ranks carry most of it


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
    """Columns by method, and the overlap of each pair."""

    query: str
    columns: dict[str, Found]
    overlaps: tuple[Overlap, ...]


def compare(
    collection: Collection,
    query: str,
    embedders: Mapping[str, Embedder],
    *,
    top: int,
    filters: Filters,
    mode: Mode = "dense",
    instruction: str = "",
) -> Comparison:
    """Search once with each embedder; `mode` is dense by default, since words are the same for every method."""
    columns = {
        name: collection.search(query, embedder, top=top, mode=mode, instruction=instruction, filters=filters)
        for name, embedder in embedders.items()
    }
    pairs = tuple(overlap(a, columns[a].hits, b, columns[b].hits) for a, b in combinations(columns, 2))
    return Comparison(query, columns, pairs)


def overlap(left: str, left_hits: Sequence[Hit], right: str, right_hits: Sequence[Hit]) -> Overlap:
    """The agreement of two columns."""
    from indexer import fuse

    a, b = [hit.chunk for hit in left_hits], [hit.chunk for hit in right_hits]
    most = max(len(a), len(b), 1)
    shared = len(set(a) & set(b))
    return Overlap(left, right, shared, fuse.jaccard(a, b, most), fuse.rbo(a, b, PERSISTENCE))
