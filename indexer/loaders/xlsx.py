"""Excel workbooks: a page per sheet, a block per row, values as last computed."""

import datetime
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from openpyxl import load_workbook

from indexer.loaders import tabular
from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.package import Package
from indexer.loaders.table import Job

STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"


def read(data: bytes, job: Job) -> Loaded:
    """Every sheet that has cells, hidden ones too."""
    package = Package(data, job)
    declared = sum(info.file_size for info in package.members.values())
    if declared > job.limits.bytes:
        raise LoadError("unpacks to more than the limit of bytes; perhaps a zip bomb")
    if "xl/workbook.xml" in package and STRICT in package.read("xl/workbook.xml"):
        raise LoadError("saved as Strict Open XML, which is not read; save it again as an ordinary workbook")
    draft = Draft(job.limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions it drops; we read values only
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise LoadError(f"damaged: not a workbook ({error})") from error
        for sheet in book.worksheets:
            draft.page(f"sheet {sheet.title}")
            sheet.reset_dimensions()  # a sheet may declare a million columns and hold two
            tabular.write(draft, ([shown(cell) for cell in row] for row in rows(sheet)))
        title = book.properties.title or ""
    return draft.done("xlsx", title=title)


def rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """The sheet's rows of values."""
    yield from sheet.iter_rows(values_only=True)


def shown(value: Any) -> str:
    """A cell's value as a reader would write it."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, float):
        return f"{value:.10g}"
    return " ".join(str(value).split())
