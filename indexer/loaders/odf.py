"""OpenDocument texts, sheets and presentations: headings, paragraphs, rows; sheets and slides are pages."""

from typing import Any

from lxml import etree

from indexer.loaders import tabular
from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.package import Package, attribute, local, pieces
from indexer.loaders.table import Job

SKIPPED = frozenset(("tracked-changes", "annotation", "forms", "sequence-decls", "bookmark-ref", "automatic-styles"))
BREAKS = {"tab": "\t", "line-break": "\n"}
MOST_REPEATS = 64  # a cell may say that it stands for a million empty ones


def read(data: bytes, job: Job) -> Loaded:
    """The whole document."""
    package = Package(data, job)
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise LoadError("encrypted: it needs a password")
    tree = package.xml("content.xml")
    body = next((e for e in tree if local(e) == "body"), tree)
    draft = Draft(job.limits)
    walk(draft, body)
    title = ""
    if "meta.xml" in package:
        title = next((e.text or "" for e in package.xml("meta.xml").iter() if local(e) == "title"), "")
    return draft.done(job.name.rpartition(".")[2].lower() if "." in job.name else "odt", title=title)


def walk(draft: Draft, body: Any) -> None:
    """Write every block, in order; tables of a sheet and slides open pages."""
    slides = 0
    for name, element in pieces(body, ("h", "p", "table", "page"), SKIPPED, entered=("page",)):
        if name == "h":
            level = attribute(element, "outline-level")
            draft.add(words(element), "heading", int(level) if level.isdigit() else 1)
        elif name == "p":
            listed = any(local(a) == "list-item" for a in element.iterancestors())
            draft.add(words(element), "item" if listed else "paragraph", gap="\n" if listed else "\n\n")
        elif name == "table":
            if local(element.getparent()) == "spreadsheet":
                draft.page(f"sheet {attribute(element, 'name')}")
            tabular.write(draft, (cells(row) for row in element.iter() if local(row) == "table-row"))
        else:
            slides += 1
            draft.page(f"slide {slides}")


def cells(row: Any) -> list[str]:
    """A row's cells, repeated ones as often as they are meant (within reason)."""
    found: list[str] = []
    for cell in row:
        if local(cell) not in ("table-cell", "covered-table-cell"):
            continue
        repeats = attribute(cell, "number-columns-repeated")
        text = " ".join(words(p) for p in cell.iter() if local(p) in ("p", "h"))
        found += [text] * min(int(repeats) if repeats.isdigit() else 1, MOST_REPEATS)
    return found


def words(paragraph: Any) -> str:
    """A paragraph's text with its spaces, tabs and line ends."""
    found: list[str] = []
    hidden = None
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        name = local(element)
        if event == "start" and hidden is None:
            hidden = element if name in SKIPPED else None
            count = attribute(element, "c") if name == "s" else ""
            blanks = " " * min(int(count) if count.isdigit() else 1, MOST_REPEATS) if name == "s" else ""
            found.append(BREAKS.get(name, blanks) + ("" if hidden is not None else element.text or ""))
        elif event == "end":
            hidden = None if element is hidden else hidden
            found.append("" if element is paragraph or hidden is not None else element.tail or "")
    return "".join(found).strip()
