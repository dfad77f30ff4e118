"""What a file becomes: one text with its pages and blocks as spans. Knows no format, no file and no process."""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

BlockKind = Literal["heading", "paragraph", "code", "table", "item"]
BLOCK_KINDS: tuple[BlockKind, ...] = get_args(BlockKind)
MOST_NOTES = 20  # one for each attachment that was not read would be a list nobody reads
UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")  # control characters and halves of surrogate pairs


class LoadError(Exception):
    """A file that cannot be read; str(error) is the reason a person reads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: bytes of the file and of what it unpacks to, characters of text, levels of nesting."""

    seconds: float = 60
    bytes: int = 256 * 2**20
    characters: int = 10_000_000
    depth: int = 3  # an attachment in a mail in an archive
    memory: int = 1536 * 2**20  # address space of the reading process


@dataclass(frozen=True, slots=True)
class Page:
    """A part a person can turn to ("page 7", "slide 2", "sheet Costs", "cell 4"): text[start:end]; "" has no name."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, code, table or list item: text[start:end]; level is a heading's depth from 1."""

    start: int
    end: int
    kind: BlockKind
    level: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document's text with its parts; pages follow each other, blocks too and never cross a page's end."""

    text: str
    pages: tuple[Page, ...]
    kind: str
    title: str = ""
    encoding: str = ""
    blocks: tuple[Block, ...] = ()
    notes: tuple[str, ...] = ()  # what a person should know about a file that was read: "2 of 9 pages have no text"


Box = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of a picture


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a picture: PNG bytes, and a box for each line of the passage."""

    png: bytes
    boxes: tuple[Box, ...]


def clean(text: str) -> str:
    """The text with one kind of line end, without control characters; nothing else is touched."""
    return UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


@dataclass(slots=True)
class Draft:
    """A document being written: blocks are added in reading order, pages opened as they come."""

    limits: Limits
    length: int = 0
    parts: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    label: str = ""
    opened: int = 0

    def add(self, text: str, kind: BlockKind = "paragraph", level: int = 0, gap: str = "\n\n") -> None:
        """Add one block after a gap; blank text adds nothing."""
        text = clean(text).strip("\n").rstrip()
        if not text.strip():
            return
        if self.length:
            self.write(gap)
        start = self.length
        if start and not self.blocks_since(self.opened):
            self.opened = start  # a page begins with its first character, not with the gap before it
        self.write(text)
        self.blocks.append(Block(start, self.length, kind, level))

    def blocks_since(self, start: int) -> bool:
        """Whether the open page has a block already."""
        return bool(self.blocks) and self.blocks[-1].start >= start

    def write(self, text: str) -> None:
        """Append text as it is, within the limit of characters."""
        self.length += len(text)
        if self.length > self.limits.characters:
            raise LoadError(f"more than {self.limits.characters:,} characters of text, the limit; split the file")
        self.parts.append(text)

    def page(self, label: str) -> None:
        """Close the open page and open another."""
        self.close()
        self.label, self.opened = label, self.length

    def close(self) -> None:
        """End the open page here; a page without text leaves nothing behind."""
        if self.blocks_since(self.opened) and self.length > self.opened:
            self.pages.append(Page(self.label, self.opened, self.length))
        self.label, self.opened = "", self.length

    def join(self, loaded: Loaded, label: str) -> None:
        """Add a whole document (a member of an archive, an attachment), each of its pages as one of ours."""
        pages = loaded.pages or (Page("", 0, len(loaded.text)),)
        blocks = iter(loaded.blocks or tuple(Block(p.start, p.end, "paragraph") for p in pages))
        block, last = next(blocks, None), 0
        for page in pages:
            self.page(f"{label}, {page.label}" if page.label else label)
            while block and block.start < page.end:
                tight = loaded.text.count("\n", last, block.start) == 1  # rows and items follow each other closely
                self.add(loaded.text[block.start : block.end], block.kind, block.level, "\n" if tight else "\n\n")
                last, block = block.end, next(blocks, None)
        self.close()
        self.notes += [f"{label}: {note}" for note in loaded.notes]

    def done(self, kind: str, *, title: str = "", encoding: str = "") -> Loaded:
        """The finished document."""
        self.close()
        title = " ".join(clean(title).split())[:300]
        parts = tuple(self.pages), kind, title, encoding, tuple(self.blocks), tuple(self.notes[:MOST_NOTES])
        return Loaded("".join(self.parts), *parts)
