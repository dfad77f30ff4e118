"""PDF: text by page with pdfium, with pypdf where pdfium cannot open a file; pictures of pages, a passage marked."""

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import pypdfium2
from pypdfium2 import raw

from indexer.loaders import flow
from indexer.loaders.document import UNWANTED, Box, Draft, Loaded, LoadError, Picture
from indexer.loaders.table import Job

MOST_PAGES = 20_000
NO_TITLES = ("untitled", "untitled document", "no title", "无标题", "未命名")  # where nobody gave one


def read(data: bytes, job: Job) -> Loaded:
    """Every page's text; LoadError where there is none to read."""
    draft = Draft(job.limits)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error) or "ecurity" in str(error):
            raise LoadError("encrypted: it needs a password") from error
        return read_damaged(data, draft)
    with closing(document):
        count = len(document)
        blank = sum(1 for number in range(count) if not write_page(draft, document, number))
        title = str(document.get_metadata_dict().get("Title", ""))
    return finished(draft, count, blank, title)


def finished(draft: Draft, count: int, blank: int, title: str) -> Loaded:
    """The document; LoadError where no page has text."""
    if blank == count:
        pages = f"{count:,} page{'s' * (count != 1)}"
        raise LoadError(
            f"no text layer on its {pages}, probably scanned; recognise its text (OCR) first" if count else "no pages"
        )
    if blank:
        draft.notes.append(f"{blank:,} of {count:,} pages have no text; pictures are not read")
    return draft.done("pdf", title="" if title.strip().lower() in NO_TITLES else title)


def write_page(draft: Draft, document: Any, number: int) -> bool:
    """Add one page's paragraphs, counted from 0; whether it had any."""
    if number >= MOST_PAGES:
        raise LoadError(f"more than {MOST_PAGES:,} pages; split the file")
    draft.page(f"page {number + 1}")
    before = draft.length
    try:
        with closing(document[number]) as page, closing(page.get_textpage()) as textpage:
            for paragraph in page_paragraphs(textpage):
                draft.add(paragraph.text)
    except pypdfium2.PdfiumError:
        draft.notes.append(f"page {number + 1} is damaged and was left out")
    return draft.length > before


def page_paragraphs(textpage: Any) -> list[flow.Paragraph]:
    """A page's paragraphs with the number of each character; the one order for reading and for marking."""
    return flow.paragraphs(list(characters(textpage)))


def characters(textpage: Any) -> Iterator[flow.Placed]:
    """Every character of a page and its number; halves of a pair are joined, controls left out but for line ends."""
    count = textpage.count_chars()
    whole = textpage.get_text_range()
    if len(whole) == count:  # nothing inserted, left out or paired: the fast way
        yield from ((c, index) for index, c in enumerate(whole) if c in flow.HYPHENS or not UNWANTED.match(c))
        return
    high = 0
    for index in range(count):
        code = raw.FPDFText_GetUnicode(textpage, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00
        high = 0
        char = chr(code) if code < 0x110000 else "\ufffd"
        if char in flow.HYPHENS or not UNWANTED.match(char):
            yield char, index


def read_damaged(data: bytes, draft: Draft) -> Loaded:
    """What pypdf makes of a file that pdfium does not open."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every repair
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise LoadError("encrypted: it needs a password")
        count = len(reader.pages)
    except LoadError:
        raise
    except Exception as error:  # pypdf raises what Python raises when a structure is not what it says
        raise LoadError("damaged: neither of two PDF readers can open it") from error
    blank = 0
    for number in range(min(count, MOST_PAGES)):
        draft.page(f"page {number + 1}")
        before = draft.length
        try:
            lines = [(c, -1) for c in reader.pages[number].extract_text()]
        except (MemoryError, RecursionError):
            raise
        except Exception:  # one page that cannot be read leaves the others
            lines = []
        for paragraph in flow.paragraphs(lines):
            draft.add(paragraph.text)
        blank += draft.length == before
    return finished(draft, count, blank, "")


def picture(data: bytes, number: int, start: int = 0, end: int = 0, *, width: int = 1000) -> Picture:
    """Page `number` (from 1) as a PNG `width` pixels wide, and the boxes of the page's text[start:end].

    Offsets count from the page's own start (a chunk's minus its `Page.start`).
    """
    with closing(pypdfium2.PdfDocument(data)) as document:
        if not 1 <= number <= len(document):
            raise LoadError(f"there is no page {number}: the file has {len(document)}")
        with closing(document[number - 1]) as page, closing(page.get_textpage()) as textpage:
            scale = min(width / max(page.get_width(), 1), 4000 / max(page.get_height(), 1))
            bitmap = page.render(scale=scale, rev_byteorder=True)
            place = bitmap.get_posconv(page)
            glyphs = [glyph(textpage, index, place, bitmap) for index in marked(textpage, start, end)]
            return Picture(png(bitmap), tuple(merged([box for box in glyphs if box])))


def marked(textpage: Any, start: int, end: int) -> list[int]:
    """The numbers of the drawn characters of the page's text[start:end], counted as `Draft.add` writes it."""
    chars: list[int] = []
    for paragraph in page_paragraphs(textpage):
        stripped = paragraph.text.rstrip()
        chars += [-1, -1] if chars else []
        chars += [index for _, index in paragraph.chars[: len(stripped)]]
    return [index for index in chars[max(start, 0) : max(end, 0)] if index >= 0]


def glyph(textpage: Any, index: int, place: Any, bitmap: Any) -> Box | None:
    """Where a character is in the picture; None for one without extent."""
    try:
        left, bottom, right, top = textpage.get_charbox(index, loose=True)
    except pypdfium2.PdfiumError:
        return None
    (x0, y0), (x1, y1) = place.to_bitmap(left, top), place.to_bitmap(right, bottom)
    box = (
        min(x0, x1) / bitmap.width,
        min(y0, y1) / bitmap.height,
        max(x0, x1) / bitmap.width,
        max(y0, y1) / bitmap.height,
    )
    cut = tuple(min(max(value, 0.0), 1.0) for value in box)
    return (cut[0], cut[1], cut[2], cut[3]) if cut[2] > cut[0] and cut[3] > cut[1] else None


def merged(boxes: list[Box]) -> Iterator[Box]:
    """Boxes of neighbouring characters on one line as one."""
    if not boxes:
        return
    current = boxes[0]
    for before, box in pairwise(boxes):
        shared = min(current[3], box[3]) - max(current[1], box[1])
        near = box[0] - before[2] < 3 * (box[3] - box[1]) and box[0] >= before[0] - 0.01
        if near and shared > 0.5 * min(current[3] - current[1], box[3] - box[1]):
            current = (
                min(current[0], box[0]),
                min(current[1], box[1]),
                max(current[2], box[2]),
                max(current[3], box[3]),
            )
        else:
            yield current
            current = box
    yield current


def png(bitmap: Any) -> bytes:
    """A bitmap of red, green, blue (and a fourth byte) as PNG."""
    buffer, stride, channels = bytes(bitmap.buffer), bitmap.stride, bitmap.n_channels
    color = {1: 0, 3: 2, 4: 2}[channels]
    rows = bytearray()
    for y in range(bitmap.height):
        row = buffer[y * stride : y * stride + bitmap.width * channels]
        if channels == 4:  # the fourth byte is padding: a page is opaque
            opaque = bytearray(3 * bitmap.width)
            opaque[0::3], opaque[1::3], opaque[2::3] = row[0::4], row[1::4], row[2::4]
            row = bytes(opaque)
        rows += b"\0" + row
    head = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, color, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
