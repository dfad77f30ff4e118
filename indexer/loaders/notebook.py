"""Jupyter notebooks: a page per cell; prose, code and what the code printed."""

import json
from typing import Any

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.structure import STRUCTURES, heading_text
from indexer.loaders.table import Job
from indexer.loaders.text import decoded

MOST_OUTPUT = 4_000  # characters of one output: a printed table is of use, a printed data set is not


def read(data: bytes, job: Job) -> Loaded:
    """Every cell, numbered from 1 as they come."""
    text, encoding = decoded(data, job)
    book = json.loads(text)
    cells = cells_of(book) if isinstance(book, dict) else []
    if not cells:
        raise LoadError("no cells in it: not a Jupyter notebook, or an empty one")
    draft = Draft(job.limits)
    for number, cell in enumerate(cells, 1):
        draft.page(f"cell {number}")
        write(draft, cell)
    loaded = draft.done("ipynb", encoding=encoding)
    first = next((b for b in loaded.blocks if b.kind == "heading"), None)
    title = heading_text(loaded.text[first.start : first.end]) if first else ""
    return Loaded(loaded.text, loaded.pages, "ipynb", title, encoding, loaded.blocks, loaded.notes)


def cells_of(book: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells, of this format or the one before 2014."""
    found = book.get("cells")
    if found is None:
        found = [cell for sheet in book.get("worksheets", []) for cell in sheet.get("cells", [])]
    return [cell for cell in found if isinstance(cell, dict)]


def joined(value: Any) -> str:
    """A text given as a string or as lines."""
    return "".join(map(str, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


def write(draft: Draft, cell: dict[str, Any]) -> None:
    """Write one cell."""
    source = joined(cell.get("source", cell.get("input", "")))
    kind = {"markdown": "md", "heading": "md", "raw": "txt"}.get(str(cell.get("cell_type")), "code")
    if cell.get("cell_type") == "heading":
        source = f"{'#' * int(cell.get('level', 1))} {source}"
    for block in STRUCTURES[kind](source):
        draft.add(source[block.start : block.end], block.kind, block.level)
    for output in cell.get("outputs", []):
        draft.add(printed(output)[:MOST_OUTPUT], "code") if isinstance(output, dict) else None


def printed(output: dict[str, Any]) -> str:
    """What an output shows as text; pictures and web pages show none."""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    data = output.get("data", output)
    return joined(output.get("text")) or (joined(data.get("text/plain")) if isinstance(data, dict) else "")
