"""A printed page's lines back into paragraphs. Characters keep their number on the page, so a span can be marked."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from unicodedata import east_asian_width

Placed = tuple[str, int]  # a character and its number on the page; -1 for one that is not drawn
HYPHENS = frozenset("\x02\ufffe\u00ad")  # where a word was cut at the end of a line
NEW_ITEM = re.compile(
    r"\s*(?:[•●○▪■◆►‣*–—-]\s|\(?\d{1,3}(?:\.\d{1,3})*[.)、]\s?|[（(][一二三四五六七八九十\d]+[）)]|[一二三四五六七八九十]+、|第[一二三四五六七八九十百]+[条章节])"
)
LEADERS = re.compile(r"(?:\. ?){4,}|_{4,}|…{2,}")  # a table of contents, a form to fill in
ENDS = re.compile(r"[.!?:;。！？：；…][\"'”’)）」』]*\s*$")
FULL = 0.72  # of the usual width: a line that long goes on in the next


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together; `chars` has one entry for every character of the text."""

    chars: list[Placed] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The characters alone."""
        return "".join(c for c, _ in self.chars)


class Line:
    """A line of print: its characters, its text, how wide it is in narrow characters."""

    def __init__(self, chars: list[Placed]) -> None:
        """Measure once."""
        self.chars = chars
        self.text = "".join(c for c, _ in chars)
        self.width = len(self.text) + (
            0 if self.text.isascii() else sum(east_asian_width(c) in "WF" for c in self.text)
        )


def paragraphs(chars: list[Placed]) -> list[Paragraph]:
    """A page's characters, line ends among them, as paragraphs."""
    lines = [Line(line) for line in split(chars)]
    if not lines:
        return []
    usual = sorted(line.width for line in lines)[int(0.9 * (len(lines) - 1))]
    found = [Paragraph(list(lines[0].chars))]
    flowing = False
    for line, following in pairwise(lines):
        current = found[-1]
        if line.text[-1] in HYPHENS:
            current.chars.pop()
            flowing = True
        elif line.width >= FULL * usual and usual > 20 and goes_on(line, following, usual):
            current.chars += [] if is_wide(line.text[-1]) and is_wide(following.text[0]) else [(" ", -1)]
            flowing = True
        elif flowing or ENDS.search(line.text):
            found.append(Paragraph())
            flowing = False
        else:
            current.chars.append(("\n", -1))  # a short line after a short one: a table, an address, a poem
        found[-1].chars += following.chars
    return [p for p in found if p.text.strip()]


def goes_on(line: Line, following: Line, usual: int) -> bool:
    """Whether a full line's sentence runs into the next: not into an item, a heading, a table of contents."""
    short = following.width < 0.6 * usual and not ENDS.search(following.text)
    heading = short and ENDS.search(line.text)
    return not heading and not NEW_ITEM.match(following.text) and not LEADERS.search(line.text)


def split(chars: list[Placed]) -> list[list[Placed]]:
    """Lines without the blanks around them; empty ones are left out."""
    lines: list[list[Placed]] = [[]]
    for char, index in chars:
        if char in "\r\n":
            lines.append([])
        elif lines[-1] or not char.isspace():
            lines[-1].append((" " if char in "\t\xa0" else char, index))
    for line in lines:
        while line and line[-1][0].isspace():
            line.pop()
    return [line for line in lines if line]


def is_wide(char: str) -> bool:
    """Whether a character is of a script written without spaces."""
    return east_asian_width(char) in "WF" and not "\uac00" <= char <= "\ud7af"
