"""Documents in, spans out: cuts by structure first, by tokens last. Knows tokens only as character spans, no model."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from indexer.load import Block, Loaded, Page

Offsets = Callable[[str], list[tuple[int, int]]]

LEAST_SIZE = 16  # tokens; one character can take half a dozen of them
STRETCH = 8192  # characters given to the tokenizer at once: some take quadratic time on one long word
TINY = 48  # tokens; a page shorter than this (and than a quarter chunk) shares a chunk with the next one
WHOLE = re.compile(r"\S")
LINE = re.compile(r"\n+")
SENTENCE = re.compile(r"(?:[.!?…]+[\"'”’)\]»]*(?=\s)|[。！？；｡]+[”’」』）》】]*)\s*")
CLAUSE = re.compile(r"(?:[,;:](?=\s)|[，、：；])\s*")
WORD = re.compile(r"\s+")
# the part of the size a chunk must have reached before a boundary of that sort may end it, strongest boundary first
INSIDE = ((LINE, 0.6), (SENTENCE, 0.5), (CLAUSE, 0.7), (WORD, 0.8))
HEADING_FLOOR, BLOCK_FLOOR = 0.35, 0.5
JOINERS = re.compile(r"[\u0300-\u036f\u200d\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")  # never first in a chunk


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: the document's text[start:end], that many tokens by itself, on the page (or pages) named."""

    start: int
    end: int
    tokens: int
    page: str


def cut(loaded: Loaded, offsets: Offsets, *, size: int, overlap: int) -> list[Chunk]:
    """Chunks of at most `size` tokens in reading order; neighbours within a section share up to `overlap` tokens."""
    if size < LEAST_SIZE:
        raise ValueError(f"a chunk needs room for {LEAST_SIZE} tokens at least, not {size}")
    if not 0 <= overlap <= size // 2:
        raise ValueError(f"overlap is 0 to half the size ({size // 2}), not {overlap}")
    return Cutter(loaded, offsets, size, overlap).chunks()


class Cutter:
    """One document on the way through: where its tokens, pages, blocks and headings start (in characters)."""

    def __init__(self, loaded: Loaded, offsets: Offsets, size: int, overlap: int) -> None:
        """Tokenise the document once, stretch by stretch."""
        self.text, self.offsets, self.size, self.overlap = loaded.text, offsets, size, overlap
        self.pages = loaded.pages or (Page("", 0, len(loaded.text)),)
        self.page_starts = [page.start for page in self.pages]
        self.headings, self.blocks = [], []  # type: list[int], list[int]
        self._place_blocks(loaded.blocks)
        self.tokens = array("q")
        for start, end in self._stretches():
            self.tokens.extend(start + a for a, _ in offsets(self.text[start:end]))

    def chunks(self) -> list[Chunk]:
        """Every chunk, first to last."""
        found: list[Chunk] = []
        start = self._skip_blank(0)
        while start < len(self.text):
            end, joined, tokens = self._chunk_from(start)
            if tokens:  # characters no tokenizer knows make no chunk of their own
                body = self.text[start:end].rstrip()
                found.append(Chunk(start, start + len(body), tokens, self._label(start, start + len(body))))
            start = self._skip_blank(self._next_start(start, end) if joined else end)
        return found

    def _place_blocks(self, blocks: Iterable[Block]) -> None:
        """Sort block starts into headings and others; what directly follows a heading is no place to cut."""
        after_heading = False
        for block in blocks:
            heading = block.kind == "heading"
            if heading and not after_heading:
                self.headings.append(block.start)
            elif not after_heading:
                self.blocks.append(block.start)
            after_heading = heading

    def _stretches(self) -> Iterable[tuple[int, int]]:
        """The text in pieces for the tokenizer, cut at a line or word where there is one."""
        start = 0
        while start < len(self.text):
            end = min(start + STRETCH, len(self.text))
            if end < len(self.text):
                half = start + STRETCH // 2
                end = max(self.text.rfind("\n", half, end), self.text.rfind(" ", half, end), half - 1)
                end = end if end >= half else start + STRETCH
            yield start, end
            start = end

    def _skip_blank(self, position: int) -> int:
        """The next position of something visible."""
        match = WHOLE.search(self.text, position)
        return match.start() if match else len(self.text)

    def _token_position(self, start: int, tokens: int) -> int:
        """Where the text from `start` has taken `tokens` tokens."""
        index = bisect_left(self.tokens, start) + tokens
        return self.tokens[index] if index < len(self.tokens) else len(self.text)

    def _count(self, start: int, end: int) -> int:
        """About how many tokens text[start:end] has."""
        return bisect_left(self.tokens, end) - bisect_left(self.tokens, start)

    def _chunk_from(self, start: int) -> tuple[int, bool, int]:
        """Where the chunk from `start` ends, whether the next may overlap it, and how many tokens it has by itself."""
        limit = max(self._token_position(start, self.size), start + 1)
        while True:
            end, joined = self._end(start, limit)
            spans = self.offsets(self.text[start:end].rstrip())
            if len(spans) <= self.size or end - start == 1:
                return end, joined, len(spans)
            # alone it takes more tokens than within the document: stop where it was full, or one character earlier
            limit = max(min(start + spans[self.size][0], end - 1), start + 1)

    def _end(self, start: int, limit: int) -> tuple[int, bool]:
        """The best end within `limit`, and whether the next chunk may overlap."""
        page = self._page_end(start, limit)
        if page:
            return page, False
        if limit >= len(self.text):
            return len(self.text), False
        heading = self._last(self.headings, self._token_position(start, int(self.size * HEADING_FLOOR)), limit)
        if heading > start:
            return heading, False
        block = self._last(self.blocks, self._token_position(start, int(self.size * BLOCK_FLOOR)), limit)
        return (block if block > start else self._end_inside(start, limit)), True

    def _page_end(self, start: int, limit: int) -> int:
        """The end of the page if it lies within the limit and enough of it is here; else 0."""
        tiny = min(TINY, self.size // 4)
        for index in range(bisect_right(self.page_starts, start), len(self.page_starts)):
            position = self.page_starts[index]
            if position > limit:
                break
            if self._count(start, position) >= tiny:
                return position
        return 0

    @staticmethod
    def _last(positions: list[int], low: int, high: int) -> int:
        """The last of the sorted positions in low..high, or -1."""
        index = bisect_right(positions, high) - 1
        return positions[index] if index >= 0 and positions[index] >= low else -1

    def _end_inside(self, start: int, limit: int) -> int:
        """An end inside a block: after a line, a sentence, a clause, a word, or where it is full."""
        for pattern, floor in INSIDE:
            low = min(self._token_position(start, int(self.size * floor)), limit)
            ends = [match.end() for match in pattern.finditer(self.text, max(low, start + 1), limit)]
            if ends:
                return ends[-1]
        end = limit
        while (
            end > start + 1 and limit - end < 16 and (JOINERS.match(self.text, end) or self.text[end - 1] == "\u200d")
        ):
            end -= 1  # an accent, skin tone or joined emoji stays with what it belongs to
        return end

    def _next_start(self, start: int, end: int) -> int:
        """Where the next chunk begins: up to `overlap` tokens back, at a sentence or a word if there is one."""
        index = bisect_left(self.tokens, end) - self.overlap
        low = max(self.tokens[max(index, 0)], start + (end - start + 1) // 2) if self.overlap else end
        if low >= end:
            return end
        for pattern in (LINE, SENTENCE, WORD):
            match = pattern.search(self.text, low, end)
            if match and match.end() < end:
                return match.end()
        return low

    def _label(self, start: int, end: int) -> str:
        """The page's label, or the first and last where a chunk spans several."""
        first = self.pages[max(bisect_right(self.page_starts, start) - 1, 0)].label
        last = self.pages[max(bisect_left(self.page_starts, end) - 1, 0)].label
        if first == last or not last:
            return first
        head, _, number = first.rpartition(" ")
        other, _, final = last.rpartition(" ")
        return f"{head} {number}–{final}" if head and head == other else f"{first} – {last}"
