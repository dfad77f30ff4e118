"""Where the blocks of a plain text lie: headings, paragraphs, code. Looks at lines only and changes no character."""

import re
from collections.abc import Callable, Iterator

from indexer.loaders.document import Block

FENCE = re.compile(r" {0,3}(```+|~~~+)")
MARKDOWN_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s|$)")
MARKDOWN_RULER = re.compile(r" {0,3}(=+|-{2,})\s*$")
RST_RULER = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}\s*$")
ORG_HEADING = re.compile(r"(\*{1,6})\s|(={1,6})\s\S")
CHAPTER = re.compile(
    r"\s*(?:第[一二三四五六七八九十百千零〇\d]{1,6}[编編章节節篇回卷部]|(?:chapter|part|section|book)\s+[\divxlc]+\b)",
    re.I,
)
TEX_HEADING = re.compile(r"\s*\\(part|chapter|section|subsection|subsubsection)\*?\{")
TEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection")

Line = tuple[int, int, str]  # start, end, text without its line end


def lines(text: str) -> Iterator[Line]:
    """Every line with its span."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end, text[start:end]
        start = end + 1


class Blocks:
    """Blocks being found: lines gather into the open paragraph until something ends it."""

    def __init__(self) -> None:
        """Nothing found yet."""
        self.found: list[Block] = []
        self.start = self.end = -1

    def gather(self, line: Line) -> None:
        """Take a line into the open paragraph."""
        if self.start < 0:
            self.start = line[0]
        self.end = line[1]

    def close(self, *, code: bool = False) -> None:
        """End the open paragraph, or piece of code."""
        if self.start >= 0:
            self.found.append(Block(self.start, self.end, "code" if code else "paragraph"))
        self.start = -1

    def heading(self, line: Line, level: int) -> None:
        """A line that is a heading."""
        self.close()
        self.found.append(Block(line[0], line[1], "heading", level))

    def underlined(self, ruler: Line, level: int) -> None:
        """The open paragraph was a heading: its ruler follows."""
        self.found.append(Block(self.start, ruler[1], "heading", level))
        self.start = -1


def markdown(text: str) -> list[Block]:
    """Blocks of Markdown: # and underlined headings, fenced code, paragraphs between blank lines."""
    blocks, fence = Blocks(), ""
    for line in lines(text):
        mark = FENCE.match(line[2])
        if fence:
            blocks.gather(line)
            if mark and mark[1].startswith(fence) and not line[2].strip(" `~"):
                blocks.close(code=True)
                fence = ""
        elif mark:
            blocks.close()
            blocks.gather(line)
            fence = mark[1]
        elif not line[2].strip():
            blocks.close()
        elif heading := MARKDOWN_HEADING.match(line[2]):
            blocks.heading(line, len(heading[1]))
        elif (
            (ruler := MARKDOWN_RULER.match(line[2])) and blocks.start >= 0 and blocks.end == line[0] - 1 and line[0] > 4
        ):
            blocks.underlined(line, 1 if ruler[1][0] == "=" else 2)
        else:
            blocks.gather(line)
    blocks.close(code=bool(fence))
    return blocks.found


def restructured(text: str) -> list[Block]:
    """Blocks of reStructuredText: a ruler under one line makes a heading, of the level its mark came in."""
    blocks, levels = Blocks(), ""
    for line in lines(text):
        ruler = RST_RULER.match(line[2])
        if ruler and blocks.start >= 0 and "\n" not in text[blocks.start : blocks.end].strip("=-~^*#\"'` \n"):
            levels += ruler[1] if ruler[1] not in levels else ""
            blocks.underlined(line, levels.index(ruler[1]) + 1)
        elif not line[2].strip():
            blocks.close()
        else:
            blocks.gather(line)
    blocks.close()
    return blocks.found


def marked(level: Callable[[str], int]) -> Callable[[str], list[Block]]:
    """Blocks of a text whose headings are lines that show it: level(line) is 0 for all others."""

    def find(text: str) -> list[Block]:
        blocks = Blocks()
        for line in lines(text):
            depth = level(line[2])
            if depth:
                blocks.heading(line, depth)
            elif not line[2].strip():
                blocks.close()
            else:
                blocks.gather(line)
        blocks.close()
        return blocks.found

    return find


def chapter_level(line: str) -> int:
    """Plain text: short lines that begin like a chapter."""
    return int(
        len(line) < 60
        and CHAPTER.match(line) is not None
        and not line.rstrip().endswith(("。", "；", ".", ";", ",", "，"))
    )


def org_level(line: str) -> int:
    """Org and AsciiDoc: as many marks as levels."""
    match = ORG_HEADING.match(line)
    return len(match[1] or match[2]) if match else 0


def tex_level(line: str) -> int:
    """TeX: sectioning commands."""
    match = TEX_HEADING.match(line)
    return TEX_LEVELS.index(match[1]) + 1 if match else 0


def code(text: str) -> list[Block]:
    """Blocks of source code: a line at the margin after a blank one begins a block (a function, a class)."""
    blocks, blank = Blocks(), False
    for line in lines(text):
        if not line[2].strip():
            blank = True
            continue
        if blank and not line[2][0].isspace() and line[2][0] not in ")]}":
            blocks.close(code=True)
        blocks.gather(line)
        blank = False
    blocks.close(code=True)
    return blocks.found


STRUCTURES: dict[str, Callable[[str], list[Block]]] = {
    "txt": marked(chapter_level),
    "md": markdown,
    "rst": restructured,
    "org": marked(org_level),
    "tex": marked(tex_level),
    "code": code,
}


def heading_text(text: str) -> str:
    """A heading's words without its marks and ruler."""
    first = next((line for line in text.split("\n") if line.strip("=-~^*#\"'`+ ")), "")
    return re.sub(r"\{#[\w-]+\}\s*$", "", first).strip("#*= \t").strip()
