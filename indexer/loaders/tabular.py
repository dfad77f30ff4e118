"""Rows of cells as text: under a header each cell is said with its column's name, so that a row is understood alone."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from indexer.loaders.document import Draft

LABELLED = 24  # columns; wider tables are written plain, their names once


def write(draft: Draft, rows: Iterable[list[str]]) -> None:
    """Write a table's rows, each a block; empty rows are left out."""
    rows = (row for row in rows if any(cell.strip() for cell in row))
    first = list(islice(rows, 2))
    gap = "\n\n"
    header = first[0] if len(first) == 2 and is_header(*first) else []
    for row in chain(first, rows):
        labelled = bool(header) and row is not header
        draft.add("; ".join(labels(header, row)) if labelled else " | ".join(plain(row)), "table", gap=gap)
        gap = "\n"


def is_header(row: list[str], below: list[str]) -> bool:
    """Whether a first row names the columns: several names, short, all different, none a number."""
    names = [cell.strip() for cell in row if cell.strip()]
    distinct = len(set(names)) == len(names) and 2 <= len(names) <= LABELLED
    return distinct and len(row) >= len(below) and not any(len(n) > 40 or looks_number(n) for n in names)


def looks_number(cell: str) -> bool:
    """Whether a cell holds a number, a date, a price: no letter at all."""
    return not any(c.isalpha() for c in cell)


def labels(header: list[str], row: list[str]) -> Iterator[str]:
    """Each filled cell after its column's name."""
    for index, cell in enumerate(row):
        name = header[index].strip() if index < len(header) else ""
        if cell.strip():
            yield f"{name}: {cell.strip()}" if name else cell.strip()


def plain(row: list[str]) -> list[str]:
    """The cells without the empty ones at the end."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells
