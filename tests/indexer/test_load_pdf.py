"""PDF pages: text in paragraphs, and boxes that lie on the words they mark."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pypdf
import pypdfium2
import pytest

from indexer.load import Limits, Loaded, LoadError, Reader
from indexer.loaders import pdf
from indexer.loaders.flow import paragraphs
from indexer.loaders.table import Job

GUIDE = Path(__file__).resolve().parents[2] / "examples" / "first-telescope.pdf"


@pytest.fixture(scope="module")
def guide() -> Loaded:
    return pdf.read(GUIDE.read_bytes(), Job(GUIDE.name))


def drawn(pages: list[str]) -> bytes:
    """A PDF of the plainest kind, a line of text on each page ("" for a page without text)."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>"]
    for number, text in enumerate(pages):
        stream = f"BT /F 12 Tf 72 700 Td ({text}) Tj ET" if text else "0 0 m 9 9 l S"
        box = "/MediaBox[0 0 612 792]"
        objects.append(
            f"<</Type/Page/Parent 2 0 R{box}/Contents {4 + 2 * number} 0 R/Resources<</Font<</F {font}>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    body = "".join(f"{n} 0 obj{text}\nendobj\n" for n, text in enumerate(objects, 1))
    rough = f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size {len(objects) + 1}>>".encode()
    buffer = io.BytesIO()
    pypdfium2.PdfDocument(rough).save(buffer)  # writes the table of places that we left out
    return buffer.getvalue()


def lines(text: str) -> list[str]:
    return [paragraph.text for paragraph in paragraphs([(char, index) for index, char in enumerate(text)])]


def test_pages_are_named_and_in_both_languages(guide):
    assert [page.label for page in guide.pages] == ["page 1", "page 2", "page 3", "page 4"]
    last = guide.pages[-1]
    assert guide.text[last.start : last.end].startswith("给初学者的话")
    assert guide.title == "A first telescope: the club's guide"


@pytest.mark.parametrize(("written", "title"), [("Untitled ", ""), ("无标题", ""), ("Untitled (1)", "Untitled (1)")])
def test_a_title_that_a_program_made_up_is_none(written, title):
    writer = pypdf.PdfWriter(io.BytesIO(drawn(["A poem about tea."])))
    writer.add_metadata({"/Title": written})
    buffer = io.BytesIO()
    writer.write(buffer)
    assert pdf.read(buffer.getvalue(), Job("a.pdf")).title == title


def test_lines_of_print_become_paragraphs_again(guide):
    assert (
        "It is robust, needs almost no care, and gives crisp views of the Moon and planets, but it becomes"
        in guide.text
    )
    assert "换一个目镜就变了。倍数超过口径毫米数的两倍" in guide.text


@pytest.mark.parametrize(
    "passage", ["Three kinds", "put a bag of rice on the spreader", "口径比倍数要紧", "昴星团都够用"]
)
def test_a_passage_is_marked_where_it_is_printed(guide, passage):
    start = guide.text.index(passage)
    page = next(page for page in guide.pages if page.start <= start < page.end)
    number = int(page.label.split()[1])
    offsets = start - page.start, start - page.start + len(passage)
    picture = pdf.picture(GUIDE.read_bytes(), number, *offsets, width=300)
    sheet = pypdfium2.PdfDocument(GUIDE.read_bytes())[number - 1]
    width, height = sheet.get_size()
    inside = ""
    for left, top, right, bottom in picture.boxes:
        inside += sheet.get_textpage().get_text_bounded(
            left * width, (1 - bottom) * height, right * width, (1 - top) * height
        )
    assert passage.replace(" ", "") in "".join(inside.split())


def test_a_picture_is_a_png_of_the_width_asked_for():
    png = pdf.picture(GUIDE.read_bytes(), 1, width=320).png
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", png[16:20]) == (320,)


def test_the_confined_process_draws_too(guide):
    with Reader(Limits(seconds=30)) as reader:
        assert len(reader.picture(GUIDE, 1, 0, 10, width=200).boxes) == 1
        with pytest.raises(LoadError, match="there is no page 9: the file has 4"):
            reader.picture(GUIDE, 9)


def test_pages_without_text_are_told_and_a_scan_is_refused():
    mixed = pdf.read(drawn(["tea", "", "stars"]), Job("a.pdf"))
    assert [page.label for page in mixed.pages] == ["page 1", "page 3"]
    assert mixed.notes == ("1 of 3 pages have no text; pictures are not read",)
    with pytest.raises(LoadError, match="no text layer on its 2 pages, probably scanned"):
        pdf.read(drawn(["", ""]), Job("a.pdf"))


def test_a_locked_file_says_so():
    writer = pypdf.PdfWriter(io.BytesIO(drawn(["secret"])))
    writer.encrypt("lantern", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    with pytest.raises(LoadError, match="encrypted: it needs a password"):
        pdf.read(buffer.getvalue(), Job("a.pdf"))


def test_what_one_reader_does_not_open_the_other_may(monkeypatch):
    def refuse(data: bytes) -> None:
        raise pypdfium2.PdfiumError("Failed to load document")

    data = drawn(["tea and stars"])
    monkeypatch.setattr(pypdfium2, "PdfDocument", refuse)
    assert pdf.read(data, Job("a.pdf")).text == "tea and stars"


def test_words_cut_at_the_end_of_a_line_are_joined_and_lists_are_not():
    cut = "The telescope needs an hour to cool down before the obser\x02\r\nvation begins on a winter evening."
    assert lines(cut) == [cut.replace("\x02\r\n", "")]
    contents = (
        "Chapter one, about the water of the tea ...... 3\r\nChapter two, about the leaves of the tea ..... 9\r\n"
    )
    assert lines(contents)[0].count("\n") == 1
    items = "1. warm the pot that stands beside the kettle\r\n2. weigh the leaves on the little brass scales"
    assert len("\n".join(lines(items)).split("\n")) == 2
