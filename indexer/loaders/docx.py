"""Word documents: headings, paragraphs, lists, tables, notes in reading order. Pages are those last drawn."""

import re
from typing import Any

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.package import Package, attribute, local, pieces, title_of
from indexer.loaders.table import Job

HEADING = re.compile(r"(?:heading|title|überschrift|titre|标题|標題|見出し)\s*(\d?)", re.I)
SKIPPED = frozenset(("del", "moveFrom", "instrText", "delText", "pPr", "rPr", "Fallback", "commentReference"))
BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(data: bytes, job: Job) -> Loaded:
    """The whole document."""
    package = Package(data, job)
    main = next(iter(package.related("", "/officeDocument")), "word/document.xml")
    body = next((e for e in package.xml(main) if local(e) == "body"), None)
    if body is None:
        raise LoadError("damaged: no document inside")
    writer = Writer(Draft(job.limits), headings(package, main))
    if any(local(e) == "lastRenderedPageBreak" for e in body.iter()):
        writer.turn()
    writer.walk(body)
    for part in ("/footnotes", "/endnotes", "/comments"):
        for name in package.related(main, part):
            writer.draft.page(part[1:])
            writer.walk(package.xml(name))
    return writer.draft.done("docx", title=title_of(package) or writer.title)


def headings(package: Package, main: str) -> dict[str, int]:
    """Style id to heading level; a style's outline level counts more than its name."""
    found: dict[str, int] = {}
    for name in package.related(main, "/styles"):
        for style in package.xml(name):
            names = [attribute(e, "val") for e in style if local(e) == "name"]
            levels = [attribute(e, "val") for e in style.iter() if local(e) == "outlineLvl"]
            match = HEADING.match(names[0]) if names else None
            if levels and levels[0].isdigit() and int(levels[0]) < 9:
                found[attribute(style, "styleId")] = int(levels[0]) + 1
            elif match and attribute(style, "type") == "paragraph":
                found[attribute(style, "styleId")] = int(match[1] or 1)
    return found


class Writer:
    """Walks a document's body and writes its blocks."""

    def __init__(self, draft: Draft, levels: dict[str, int]) -> None:
        """Nothing written; no page drawn until one is seen."""
        self.draft, self.levels, self.title, self.number = draft, levels, "", 0

    def turn(self) -> None:
        """Begin the next page."""
        self.number += 1
        self.draft.page(f"page {self.number}")

    def walk(self, part: Any) -> None:
        """Write everything a part holds."""
        for name, element in pieces(part, ("p", "tr"), SKIPPED):
            (self.paragraph if name == "p" else self.row)(element)

    def paragraph(self, element: Any) -> None:
        """Write one paragraph and then the text boxes anchored in it."""
        style = next((attribute(e, "val") for e in element.iter() if local(e) == "pStyle"), "")
        listed = any(local(e) == "numPr" for e in element.iter())
        text = words(element)
        level = self.levels.get(style, 0)
        if self.number and any(local(e) == "lastRenderedPageBreak" for e in element.iter()):
            self.turn()
        if level:
            self.title = self.title or text
            self.draft.add(text, "heading", level)
        else:
            self.draft.add(text, "item" if listed else "paragraph", gap="\n" if listed else "\n\n")
        for box in element.iter():
            if local(box) == "txbxContent" and not any(local(a) == "Fallback" for a in box.iterancestors()):
                self.walk(box)

    def row(self, element: Any) -> None:
        """Write one row of a table."""
        if self.number and any(local(e) == "lastRenderedPageBreak" for e in element.iter()):
            self.turn()
        cells = [
            " ".join(words(p) for p in cell.iter() if local(p) == "p").strip()
            for cell in element
            if local(cell) == "tc"
        ]
        tight = bool(self.draft.blocks) and self.draft.blocks[-1].kind == "table"
        self.draft.add(" | ".join(cells) if any(cells) else "", "table", gap="\n" if tight else "\n\n")


def words(paragraph: Any) -> str:
    """A paragraph's text as it is read: without what was deleted, field codes, or text boxes."""
    found = pieces(paragraph, ("t", *BREAKS), {*SKIPPED, "txbxContent"})
    return "".join(BREAKS.get(name, element.text or "") for name, element in found).strip()
