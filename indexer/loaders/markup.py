"""HTML and XML: the words a reader would see, by block. Loads nothing, expands no entity of a document's own."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from indexer.loaders.document import BlockKind, Draft, Loaded
from indexer.loaders.package import parse
from indexer.loaders.table import Job
from indexer.loaders.text import decoded

HIDDEN = frozenset(
    "script style noscript template svg math nav select button input textarea iframe object canvas head".split()
)
INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)
HEADINGS = {f"h{n}": n for n in range(1, 7)}
XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
SPACE = re.compile(r"[ \t\n\f\v\u200b]+")
LOOKS_HTML = re.compile(r"</?(?:p|br|div|a|b|i|em|strong|ul|li|table|td|span|img|h\d)\b[^>]*>", re.I)


def read(data: bytes, job: Job) -> Loaded:
    """An HTML page."""
    text, encoding = decoded(data, job)
    draft = Draft(job.limits)
    title = write_html(draft, text)
    return draft.done("html", title=title, encoding=encoding)


def read_xml(data: bytes, job: Job) -> Loaded:
    """Any XML: the text of each element that has some, HTML inside it unwrapped."""
    text, encoding = decoded(data, job)
    draft = Draft(job.limits)
    tree = parse(XML_DECLARATION.sub("", text).encode(), job.name)
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        words = (
            element.text
            if event == "start" and isinstance(element.tag, str)
            else element.tail
            if event == "end"
            else ""
        )
        if words and words.strip():
            write_html(draft, words) if LOOKS_HTML.search(words) else draft.add(SPACE.sub(" ", words).strip())
    return draft.done("xml", encoding=encoding)


def write_html(draft: Draft, text: str) -> str:
    """Add a page's blocks to a document; returns its title."""
    text = XML_DECLARATION.sub("", text)  # lxml refuses a text that names an encoding
    if not text.strip():
        return ""
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    tree = html.document_fromstring(text, parser=parser, ensure_head_body=True)
    if any("depth" in entry.message for entry in parser.error_log):
        draft.notes.append("its elements nest deeper than can be read; what lies deepest was left out")
    title = tree.findtext(".//title") or ""
    Walker(draft).walk(tree)
    return title


class Walker:
    """Walks a page in reading order and gathers text until a block ends."""

    def __init__(self, draft: Draft) -> None:
        """Nothing gathered yet."""
        self.draft = draft
        self.pieces: list[str] = []
        self.kind: BlockKind = "paragraph"
        self.level = 0
        self.preformatted = 0

    def walk(self, tree: Any) -> None:
        """Add every block of the tree; a loop and not a recursion, for pages nest as deep as they like."""
        hidden = None
        for event, element in events(tree):
            if hidden is not None:
                if element is hidden and event == "end":
                    hidden = None
                    self.text(element.tail)
            elif event == "start" and is_hidden(element):
                hidden = element
            elif event == "start":
                self.enter(element)
            else:
                self.leave(element)
        self.flush()

    def enter(self, element: Any) -> None:
        """An element begins."""
        tag = element.tag
        if tag == "br":
            self.pieces.append("\n")
        elif tag in ("td", "th"):
            self.pieces.append(" | " if self.pieces else "")
        elif tag not in INLINE:
            inside_cell = self.kind == "table" and tag in ("p", "div")
            if not inside_cell:
                self.flush()
                self.begin(tag)
        self.text(element.text)

    def begin(self, tag: str) -> None:
        """What the block that begins is."""
        self.level = HEADINGS.get(tag, 0)
        if self.level:
            self.kind = "heading"
        elif tag in ("li", "dd", "dt"):
            self.kind = "item"
        elif tag == "tr":
            self.kind = "table"
        elif tag in ("pre", "listing", "xmp"):
            self.kind = "code"
            self.preformatted += 1
        else:
            self.kind = "paragraph"

    def leave(self, element: Any) -> None:
        """An element ends."""
        tag = element.tag
        if tag not in INLINE and tag not in ("td", "th", "br") and not (self.kind == "table" and tag in ("p", "div")):
            self.flush()
            if tag in ("pre", "listing", "xmp"):
                self.preformatted -= 1
        self.text(element.tail)

    def text(self, text: str | None) -> None:
        """Gather words; runs of blanks are one, but in code."""
        if text:
            self.pieces.append(text if self.preformatted else SPACE.sub(" ", text))

    def flush(self) -> None:
        """Add what was gathered as a block."""
        text = "".join(self.pieces)
        self.pieces = []
        if self.kind != "code":
            text = "\n".join(SPACE.sub(" ", line).strip() for line in text.strip().split("\n"))
        tight = self.kind in ("item", "table") and bool(self.draft.blocks) and self.draft.blocks[-1].kind == self.kind
        self.draft.add(text, self.kind, self.level, gap="\n" if tight else "\n\n")
        self.kind, self.level = "paragraph", 0


def is_hidden(element: Any) -> bool:
    """Whether a reader does not see an element, or only finds their way with it."""
    return element.tag in HIDDEN or element.get("role") == "navigation" or element.get("hidden") is not None


def events(tree: Any) -> Iterator[tuple[str, Any]]:
    """Start and end of every element; comments and the like only end, for the text that follows them."""
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        if isinstance(element.tag, str):
            yield event, element
