"""The lexical leg: BM25 over SQLite's FTS5, in the same transaction as the chunks. Knows no model.

FTS5 splits Latin text well and stems English; Chinese, Japanese and Korean it would take as one word per run. So runs
of those scripts are cut here: into single characters and pairs in the index, into pairs alone in a query (singles
where a run is one long).
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

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
BUDGET = 30_000  # chunks that the terms of a query may match together
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


def match_any(query: str) -> str:
    """The query as FTS5 reads it: any of its terms, each quoted, so that nothing in a query is an operator.

    "" without terms.
    """
    return _any(terms(query))


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


def affordable(connection: Connection, query: str) -> str:
    """The query for `search` and `scores`, without the commonest terms where scoring them all would take long.

    BM25 gives a term that most chunks have next to nothing, and yet scores every chunk that has it. So in a large index
    terms are kept from the rarest on, until together they match BUDGET chunks; the rarest is always kept.
    """
    wanted = terms(query)
    if (connection.execute(text("SELECT max(id) FROM words_docsize")).scalar() or 0) <= BUDGET or len(wanted) < 2:
        return _any(wanted)
    counted = text("SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH :term LIMIT :most)")
    most = BUDGET + 1
    common = {term: connection.execute(counted, {"term": f'"{term}"', "most": most}).scalar() or 0 for term in wanted}
    kept, spent = list[str](), 0
    for term in sorted(wanted, key=lambda term: common[term]):
        spent += common[term]
        if kept and spent > BUDGET:
            break
        kept += [term] if common[term] else []
    return _any(kept)


def search(
    connection: Connection, match: str, top: int, *, within: str = "", values: dict[str, object] | None = None
) -> list[tuple[int, float]]:
    """The best chunks as (chunk id, BM25 score, higher is better) for what `affordable` or `match_any` made of a query.

    `within` is a subquery of the chunk ids allowed, `values` its parameters.
    """
    if not match:
        return []
    clause = f" AND +rowid IN ({within})" if within else ""
    statement = text(f"SELECT rowid, rank FROM words WHERE words MATCH :match{clause} ORDER BY rank LIMIT :top")
    found = connection.execute(statement, {"match": match, "top": top, **(values or {})})
    return [(int(chunk), -float(rank)) for chunk, rank in found]


def scores(connection: Connection, match: str, chunks: Sequence[int]) -> dict[int, float]:
    """BM25 for these chunks; a chunk with none of the terms is left out."""
    if not match or not chunks:
        return {}
    listed = json.dumps([int(chunk) for chunk in chunks])
    # "+" keeps SQLite from running the whole match once for each chunk; without an ORDER BY only these are scored
    clause = "+rowid IN (SELECT value FROM json_each(:chunks))"
    statement = text(f"SELECT rowid, rank FROM words WHERE words MATCH :match AND {clause}")
    found = connection.execute(statement, {"match": match, "chunks": listed})
    return {int(chunk): -float(rank) for chunk, rank in found}
