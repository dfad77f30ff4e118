"""Questions taken from the documents themselves: titles, headings, and single sentences. Knows no model and no method.

A question is a piece of its passage, so the piece is cut out of the passage before anything is measured: what is asked
is whether the rest is found by it. For sentences that is the inverse cloze task (Lee, Chang and Toutanova, ACL 2019).
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer.loaders.front import front
from indexer.words import terms

Kind = Literal["title", "heading", "cloze", "written"]
LEAST, MOST = 5, 40  # terms of a sentence; a pair of Chinese characters is one
LEAST_TITLE, LEAST_LEFT = 2, 12  # terms of a title or heading; terms of a passage without what was taken
PER_DOCUMENT = 4
ALIKE = 0.6
FENCE = re.compile(r"^\s*(?:```|~~~).*?(?:^\s*(?:```|~~~)\s*$|\Z)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6}[ \t]+(?P<text>\S[^\n]*)$", re.MULTILINE)
SENTENCE = re.compile(r"[^\n。！？.!?]+(?:[。！？]+|[.!?]+(?=\s|$)|[.!?](?=\S)[^\n。！？.!?]*)*")
NO_PROSE = re.compile(r"^\s*(?:[#|>\-*+•=]|\d+[.)]\s|</?\w)|[{}|\\]|https?://|::")
ENDED = re.compile(r"[。！？.!?][\"'”’）)]?$")
FRONT = re.compile(r"^\s*title\s*:", re.IGNORECASE)  # of titles kept by earlier versions, which took the whole line
NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*[.、]?\s+|第[一二三四五六七八九十\d]+[章节]\s*)(?=\S)")
IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
MARK = re.compile(r"<[^>\n]{1,80}>|[*_`]{1,3}|\{#[\w-]+\}")


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with what a question needs to know of its document; `opens`: it is the document's first."""

    chunk: int
    path: str
    title: str
    text: str
    opens: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose source is known. `taken`: what of `passage` it is; "" where it was written.

    `ranks` is the rank of the source under each method that was asked, None where it was not among the first.
    """

    text: str
    kind: Kind
    chunk: int | None
    path: str
    passage: str
    taken: str = ""
    ranks: dict[str, int | None] | None = None
    edited: bool = False
    id: int = 0


def passages(connection: Connection, count: int, *, seed: int = 0) -> list[Passage]:
    """Passages drawn so that every document has its turn before any has a second one, at most a few of each."""
    chance = random.Random(seed)
    held: dict[int, list[int]] = {}
    for chunk, document in connection.execute(select(c.chunk.c.id, c.chunk.c.document_id).order_by(c.chunk.c.id)):
        held.setdefault(document, []).append(chunk)
    drawn = [[chunks[0], *chance.sample(chunks[1:], min(len(chunks), PER_DOCUMENT) - 1)] for chunks in held.values()]
    for chunks in drawn:
        chance.shuffle(chunks)
    chance.shuffle(drawn)
    ids = [chunks[turn] for turn in range(PER_DOCUMENT) for chunks in drawn if turn < len(chunks)][:count]
    found = {passage.chunk: passage for passage in _read(connection, ids)}
    return [found[chunk] for chunk in ids if chunk in found]


_BODY = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start).label("body")


def _read(connection: Connection, ids: Sequence[int]) -> Iterator[Passage]:
    columns = select(c.chunk.c.id, c.chunk.c.ordinal, c.document.c.title, _BODY, func.min(c.path.c.path).label("path"))
    joined = columns.join(c.document, c.document.c.id == c.chunk.c.document_id)
    wanted = joined.join(c.path, c.path.c.document_id == c.document.c.id).group_by(c.chunk.c.id)
    for start in range(0, len(ids), 500):
        row: Any
        for row in connection.execute(wanted.where(c.chunk.c.id.in_(ids[start : start + 500]))):
            yield Passage(row.id, row.path, row.title, row.body, row.ordinal == 0)


def take(found: Sequence[Passage], *, seed: int = 0, left: int = LEAST_LEFT) -> list[Question]:
    """What can be asked of the passages, kinds in turn, nothing asked twice or nearly so.

    `left`: terms that a passage must keep without what was taken of it.
    """
    chance = random.Random(seed)
    kinds: dict[Kind, list[Question]] = {"title": [], "heading": [], "cloze": []}
    for passage in found:
        for question in (_title(passage), _heading(passage), _cloze(passage, chance)):
            if question is not None and len(terms(without(passage.text, question.taken))) >= left:
                kinds[question.kind].append(question)
    longest = max(map(len, kinds.values()), default=0)
    return distinct([rows[turn] for turn in range(longest) for rows in kinds.values() if turn < len(rows)])


def distinct(questions: Sequence[Question]) -> list[Question]:
    """The questions without those that share most of their terms with an earlier one (Jaccard), or all their source."""
    kept: list[Question] = []
    seen: list[frozenset[str]] = []
    sources = set[str]()
    for question in questions:
        words = frozenset(terms(question.text))
        source = " ".join(question.passage.split())
        if not words or source in sources or any(_alike(words, other) for other in seen):
            continue
        kept.append(question)
        seen.append(words)
        sources.add(source)
    return kept


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


def without(text: str, taken: str) -> str:
    """A passage without what was taken of it; `text` as it is where it has no such piece."""
    return text.replace(taken, " ") if taken else text


def plain(text: str) -> str:
    """Text without the marks of Markdown, on one line."""
    return " ".join(MARK.sub("", LINK.sub(r"\1", IMAGE.sub("", text))).split())


def _made(passage: Passage, kind: Kind, taken: str) -> Question | None:
    text = NUMBER.sub("", plain(taken))
    if len(text) < 2:
        return None
    return Question(text, kind, passage.chunk, passage.path, passage.text, taken)


def _title(passage: Passage) -> Question | None:
    """The title, where the text says it too; one made up from a file's name is no question."""
    title = FRONT.sub("", passage.title).strip(" \t\"'")
    if not passage.opens or title not in passage.text or len(terms(title)) < LEAST_TITLE:
        return None
    return _made(passage, "title", title)


def _heading(passage: Passage) -> Question | None:
    """The first heading that is not the title and has words of its own."""
    for match in HEADING.finditer(FENCE.sub("", passage.text)):
        text = match["text"].strip("# \t")
        if text not in passage.title and len(terms(plain(text))) >= LEAST_TITLE:
            return _made(passage, "heading", text)
    return None


def _cloze(passage: Passage, chance: random.Random) -> Question | None:
    """One whole sentence of prose; what a file's own settings say of it is none."""
    prose = passage.text[front(passage.text)[0] :] if passage.opens else passage.text
    fit = [taken for taken in _sentences(FENCE.sub("\n", prose)) if taken in passage.text]
    made = _made(passage, "cloze", chance.choice(fit)) if fit else None
    return replace(made, text=made.text.rstrip("。.！!")) if made else None


def _sentences(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if NO_PROSE.search(line):
            continue
        for match in SENTENCE.finditer(line):
            taken = match[0].strip()
            if ENDED.search(taken) and LEAST <= len(terms(plain(taken))) <= MOST:
                yield taken
