"""Cuts a text into sentences as spans of it, in English and Chinese alike; it knows nothing of what they mean.

A full stop ends a sentence when white space follows and the word before is no abbreviation; 。！？ always do. Blank
lines, list items, headings and table rows end one too, a line that merely wraps does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 420
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr vs etc e.g i.e eg ie fig figs no nos vol pp p al inc ltd co corp dept univ gen col sgt "
    "capt lt rev hon gov sen rep pres mt ft approx ca cf viz op ed eds jan feb mar apr jun jul aug sep sept oct nov "
    "dec mon tue wed thu fri sat sun a.m p.m am pm u.s u.k u.n d.c ph.d m.d b.c a.d".split()
)
CLOSING = "\"'”’」』）)】》\\]"
BREAK = re.compile(
    rf"(?P<wide>[。！？…]+[{CLOSING}]*)"
    rf"|(?P<narrow>[.!?]+[{CLOSING}]*)(?=\s|$)"
    r"|(?P<lines>\n\s*\n\s*)"
    r"|(?P<item>\n(?=[ \t]*(?:[-*•·◦▪+]\s|\d{1,3}[.)、]\s?|[#|>]|[一二三四五六七八九十]+、)))"
)
LAST_WORD = re.compile(r"[A-Za-z][A-Za-z.]*$")
LINE = re.compile(r"^[ \t]*[#|].*$|^.*\t.*$", re.MULTILINE)  # headings and table rows stand alone
CLAUSE = re.compile(r"[，,;；:：、]\s*|\s+")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, in order, without the white space around them; none is longer than LONGEST."""
    spans: list[tuple[int, int]] = []
    start = 0
    for end in sorted({*_ends(text), len(text)}):
        spans += _trimmed(text, start, end)
        start = end
    return spans


def _ends(text: str) -> Iterator[int]:
    for match in BREAK.finditer(text):
        if not match["narrow"] or _closes(text, match.start(), match.end()):
            yield match.end()
    for match in LINE.finditer(text):
        yield match.end()


def _closes(text: str, start: int, end: int) -> bool:
    """Whether the stop at start:end closes a sentence rather than an abbreviation, an initial or a list number."""
    if text[start] != ".":
        return True
    last = LAST_WORD.search(text[max(0, start - 12) : start])
    word = last[0] if last else ""
    if word.casefold() in ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    line = text[text.rfind("\n", 0, start) + 1 : start].strip()
    if line.isdigit() and len(line) <= 2:
        return False
    return not text[end : end + 40].lstrip()[:1].islower()


def _trimmed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    return list(_pieces(text, start, end)) if end > start else []


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """One sentence, or, where it is too long to quote, its clauses in pieces below the limit."""
    while end - start > LONGEST:
        cuts = [match.end() for match in CLAUSE.finditer(text, start + LONGEST // 2, start + LONGEST)]
        cut = cuts[-1] if cuts else start + LONGEST
        yield start, start + len(text[start:cut].rstrip())
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if end > start:
        yield start, end
