"""The lexical leg: BM25 over SQLite's FTS5, in the same transaction as the chunks. Knows no model.

FTS5 splits Latin text well and stems English; Chinese, Japanese and Korean it would take as one word per run. So runs
of those scripts are cut here: into single characters and pairs in the index, into pairs alone in a query (singles
where a run is one long).
"""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

SEGMENTER = 1  # counts changes of `segment`: an index made by another one is made anew

_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_CJK}]+")
_PIECE = re.compile(f"(?P<run>[{_CJK}]+)|[^\\W{_CJK}]+")

STOP = frozenset(
    "a about all also an and any are as at be been but by can could did do does for from had has have he her his "
    "how i if in into is it its me my no not of on or our s she should so some such t than that the their them then "
    "there these they this to was we were what when where which who why will with would you your".split()
)
SMALL = 10_000  # an index of so many chunks is scored whole
CANDIDATES = 5_000  # chunks that are scored in a larger one
BUDGET = 30_000  # chunks that are looked at: that the terms of a score match together, or that a common word alone has
COUNTED = 4096  # terms whose number of chunks is remembered
MOST_TERMS = 64  # a whole page pasted as a query: the rarest words of its beginning are enough


def segment(document: str) -> str:
    """The document as the index takes it: CJK runs cut into characters and pairs, all else as it is."""
    return _RUN.sub(_cut, unicodedata.normalize("NFKC", document))


def _cut(match: re.Match[str]) -> str:
    run = match.group()
    return f" {' '.join(run)} {' '.join(_pairs(run))} "


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def terms(query: str) -> list[str]:
    """The terms of a query, each once, in order; stop words are dropped where anything else remains."""
    found: list[str] = []
    for match in _PIECE.finditer(unicodedata.normalize("NFKC", query).lower()):
        run = match.group("run")
        found += (_pairs(run) or [run]) if run else [match.group()]
    kept = [term for term in found if term not in STOP] or found
    return list(dict.fromkeys(kept))[:MOST_TERMS]


@dataclass(frozen=True, slots=True)
class Match:
    """What FTS5 is asked: the terms that count in a score, and those of which a chunk must have one to be scored.

    Each term is quoted, so that nothing in a query is an operator; false without terms.
    """

    scored: str
    needed: str = ""  # "": any of those scored

    def __bool__(self) -> bool:
        return bool(self.scored)


def match_any(query: str) -> Match:
    """Any of a query's terms, whatever that costs."""
    return Match(_any(terms(query)))


def _any(wanted: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"' for term in wanted)


def add(connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
    """Index the texts of chunks, given as (chunk id, text)."""
    values = [{"id": chunk, "body": segment(body)} for chunk, body in rows]
    if values:
        connection.execute(text("INSERT INTO words(rowid, body) VALUES (:id, :body)"), values)


def remove(connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
    """Take chunks out again; the text must be the one that was added (the index keeps no copy to look at)."""
    values = [{"id": chunk, "body": segment(body)} for chunk, body in rows]
    if values:
        connection.execute(text("INSERT INTO words(words, rowid, body) VALUES ('delete', :id, :body)"), values)


def clear(connection: Connection) -> None:
    """Empty the index."""
    connection.execute(text("INSERT INTO words(words) VALUES ('delete-all')"))


def compact(connection: Connection) -> None:
    """Merge the index into one piece. Only then are the words of removed chunks gone from the file."""
    connection.execute(text("INSERT INTO words(words) VALUES ('optimize')"))


def affordable(connection: Connection, query: str) -> Match:
    """The query for `search` and `scores`, so that a large index answers as fast as a small one.

    To score a chunk takes ten times as long as to find that it has a term, and a chunk that has only the common terms
    of a query is rarely among its best. So only chunks that have one of its rarest terms are scored, CANDIDATES or a
    little less of them, and by the terms, from the rarest on, that match BUDGET chunks together. With the shares this
    is of 100,000 chunks, nDCG@10 is 0.672 on scifact and 0.388 on cosqa; scoring every chunk that has one of the terms
    that count gives 0.669 and 0.388 at twice the time, scoring everything 0.688 and 0.394 at many times of it.
    """
    wanted = terms(query)
    size = connection.execute(_SIZE).scalar() or 0
    if size <= SMALL or not wanted:
        return Match(_any(wanted))
    known = _counts(connection, wanted, size)
    rising = sorted((term for term in wanted if known[term]), key=known.__getitem__) or wanted[:1]
    return Match(_any(_within(rising, known, BUDGET)), _any(_within(rising, known, CANDIDATES)))


_SIZE = text("SELECT max(id) FROM words_docsize")
_COUNT = text("SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH :term LIMIT :most)")


def _counts(connection: Connection, wanted: Sequence[str], size: int) -> dict[str, int]:
    """How many chunks have each term, at most BUDGET + 1; remembered until the index grows."""
    before, known = connection.info.get("words", (0, {}))
    if before != size or len(known) > COUNTED:
        known = dict[str, int]()
        connection.info["words"] = size, known
    for term in wanted:
        if term not in known:
            known[term] = connection.execute(_COUNT, {"term": f'"{term}"', "most": BUDGET + 1}).scalar() or 0
    return {term: known[term] for term in wanted}


def _within(rising: Sequence[str], known: dict[str, int], budget: int) -> list[str]:
    """The rarest terms that match so many chunks together; the first one always."""
    sums = itertools.accumulate(known[term] for term in rising)
    return [term for at, (term, spent) in enumerate(zip(rising, sums, strict=True)) if not at or spent <= budget]


def search(
    connection: Connection, match: Match, top: int, *, within: str = "", values: dict[str, object] | None = None
) -> list[tuple[int, float]]:
    """The best chunks as (chunk id, BM25 score, higher is better) for what `affordable` or `match_any` made of a query.

    `within` is a subquery of the chunk ids allowed, `values` its parameters.
    """
    if not match:
        return []
    clause = f" AND +rowid IN ({within})" if within else ""
    if match.needed:
        clause = f" AND +rowid IN (SELECT rowid FROM words WHERE words MATCH :needed{clause} LIMIT {BUDGET})"
    # "+rank": sorted by SQLite, which keeps the best few; FTS5 itself would sort every match with all its positions
    best = f"SELECT rowid, +rank AS score FROM words WHERE words MATCH :match{clause} ORDER BY score LIMIT :top"
    given = {"match": match.scored, "needed": match.needed, "top": top, **(values or {})}
    return [(int(chunk), -float(score)) for chunk, score in connection.execute(text(best), given)]


def scores(connection: Connection, match: Match | None, chunks: Sequence[int]) -> dict[int, float]:
    """BM25 for these chunks; a chunk with none of the terms is left out."""
    if not match or not chunks:
        return {}
    listed = json.dumps([int(chunk) for chunk in chunks])
    # "+" keeps SQLite from running the whole match once for each chunk; without an ORDER BY only these are scored
    clause = "+rowid IN (SELECT value FROM json_each(:chunks))"
    statement = text(f"SELECT rowid, rank FROM words WHERE words MATCH :match AND {clause}")
    found = connection.execute(statement, {"match": match.scored, "chunks": listed})
    return {int(chunk): -float(rank) for chunk, rank in found}
