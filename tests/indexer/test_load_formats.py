"""Each type of file: its words in reading order, its pages by name, its headings and rows as blocks."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from email.message import EmailMessage

import pytest

from indexer.load import Limits, Loaded, LoadError
from indexer.loaders.table import Job, loader_for


def load(name: str, data: bytes | str, **limits: int) -> Loaded:
    loader = loader_for(name)
    assert loader is not None
    return loader.read(data.encode() if isinstance(data, str) else data, Job(name, Limits(**limits)))


def pages(loaded: Loaded) -> dict[str, str]:
    return {page.label: loaded.text[page.start : page.end].strip() for page in loaded.pages}


def blocks(loaded: Loaded) -> list[tuple[str, str]]:
    return [(block.kind, loaded.text[block.start : block.end]) for block in loaded.blocks]


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_html_is_what_a_reader_sees():
    page = """<html><head><title>On tea</title><script>var x</script><style>p{}</style></head><body><nav>Home</nav>
    <h1>Green <em>tea</em></h1><p>Warm<br>water &amp; time</p><ul><li>leaf</li><li>bud</li></ul>
    <table><tr><th>Kind</th><th>Water</th></tr><tr><td><p>green</p></td><td>80</td></tr></table><pre>a  b
  c</pre><div>after <span hidden>not this</span></div><!-- nor this --></body></html>"""
    loaded = load("a.html", page)
    assert loaded.title == "On tea"
    assert blocks(loaded) == [
        ("heading", "Green tea"), ("paragraph", "Warm\nwater & time"), ("item", "leaf"), ("item", "bud"),
        ("table", "Kind | Water"), ("table", "green | 80"), ("code", "a  b\n  c"), ("paragraph", "after"),
    ]  # fmt: skip


def test_a_word_document_keeps_headings_tables_and_text_that_is_not_deleted():
    from docx import Document

    document = Document()
    document.add_heading("Garden", 1)
    paragraph = document.add_paragraph("Plant ")
    paragraph.add_run("garlic").bold = True
    document.add_paragraph("in October", style="List Bullet")
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "slugs", "boards"
    loaded = load("a.docx", saved(document))
    found = [(kind, text) for kind, text in blocks(loaded) if text]
    assert found[:2] == [("heading", "Garden"), ("paragraph", "Plant garlic")]
    assert found[-1] == ("table", "slugs | boards")
    assert loaded.title == "Garden" or loaded.title


def test_slides_are_pages_title_first_and_notes_are_read():
    from pptx import Presentation

    deck = Presentation()
    for title in ("Tea", "Stars"):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.placeholders[1].text = f"about {title.lower()}"
        slide.shapes.title.text = title
    slide.notes_slide.notes_text_frame.text = "wait for the laugh"
    loaded = load("a.pptx", saved(deck))
    assert pages(loaded) == {"slide 1": "Tea\n\nabout tea", "slide 2": "Stars\n\nabout stars\n\nwait for the laugh"}


def test_sheets_are_pages_and_each_cell_is_said_with_its_column():
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Teas"
    for row in (("Name", "Price"), ("Longjing", 14.5), ("Keemun", None)):
        book.active.append(row)
    book.create_sheet("Empty")
    loaded = load("a.xlsx", saved(book))
    assert pages(loaded) == {"sheet Teas": "Name | Price\nName: Longjing; Price: 14.5\nName: Keemun"}


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separated_values_find_their_mark_and_keep_quoted_line_ends(mark):
    text = f'Name{mark}Note\nLongjing{mark}"green\nand sweet"\nKeemun{mark}black\n'
    assert "Name: Longjing; Note: green\nand sweet" in load("a.csv", text).text


def test_a_table_of_numbers_has_no_header():
    assert load("a.csv", "1,2\n3,4\n").text == "1 | 2\n3 | 4"


def test_cells_of_a_notebook_are_pages_with_what_they_printed():
    output = {"output_type": "stream", "text": ["29.5\n"]}
    error = {"output_type": "error", "ename": "Zero", "evalue": "by zero"}
    cells = [
        {"cell_type": "markdown", "source": ["# The Moon\n", "a month"]},
        {"cell_type": "code", "source": "print(month)", "outputs": [output]},
        {"cell_type": "code", "source": "", "outputs": []},
        {
            "cell_type": "code",
            "source": "1/0",
            "outputs": [error],
        },
    ]
    loaded = load("a.ipynb", json.dumps({"cells": cells, "nbformat": 4}))
    expected = {"cell 1": "# The Moon\n\na month", "cell 2": "print(month)\n\n29.5", "cell 4": "1/0\n\nZero: by zero"}
    assert (loaded.title, pages(loaded)) == ("The Moon", expected)


def test_json_says_each_value_beside_its_path():
    value = {
        "shop": "Lantern",
        "teas": [{"name": "龙井", "grams": [2, 3]}, {"name": "滇红", "sold": True, "note": None}],
    }
    texts = [text for _, text in blocks(load("a.json", json.dumps(value)))]
    assert texts == ["shop: Lantern", "teas.name: 龙井\nteas.grams: 2, 3", "teas.name: 滇红\nteas.sold: true"]


def test_json_lines_leave_out_a_damaged_line_and_say_so():
    loaded = load("a.jsonl", '{"a": 1}\n{"a": \n{"a": 3}\n')
    assert (loaded.text, loaded.notes) == ("a: 1\n\na: 3", ("1 of 3 lines are not JSON and were left out",))


def test_settings_with_comments_are_read_as_they_stand():
    loaded = load("a.json", '// for the kettle\n{"degrees": 80,}\n')
    assert "for the kettle" in loaded.text
    assert "not valid JSON" in loaded.notes[0]


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "茶 for Friday", "ines@example.org", "shen@example.org"
    message.set_content("Bring the Longjing.\n\nAnd cups.", charset="gb18030")
    message.add_alternative("<p>Bring the <b>Longjing</b>.</p>", subtype="html")
    message.add_attachment(b"Name,Price\nLongjing,14", maintype="text", subtype="csv", filename="list.csv")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="cup.png")
    return message


def test_a_mail_has_its_header_its_text_once_and_its_readable_attachments():
    loaded = load("a.eml", mail().as_bytes())
    assert loaded.title == "茶 for Friday"
    assert loaded.text.startswith("Subject: 茶 for Friday\nFrom: ines@example.org\nTo: shen@example.org")
    assert loaded.text.count("Bring the") == 1
    assert pages(loaded)["list.csv"] == "Name | Price\nName: Longjing; Price: 14"


def test_mails_of_a_mailbox_are_pages():
    box = b"".join(b"From x Fri Nov 21 10:00:00 2025\nSubject: %s\n\ntext\n\n" % word for word in (b"tea", b"stars"))
    assert pages(load("a.mbox", box)) == {"mail 1": "Subject: tea\n\ntext", "mail 2": "Subject: stars\n\ntext"}


def test_chapters_of_a_book_are_pages_in_reading_order():
    package = """<package><metadata><title>The Classic</title></metadata><manifest><item id="b" href="b.xhtml"/>
    <item id="a" href="a.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    members = {
        "META-INF/container.xml": '<container><rootfile full-path="book/p.opf"/></container>',
        "book/p.opf": package,
        "book/a.xhtml": '<?xml version="1.0" encoding="utf-8"?><html><body><h1>源</h1></body></html>',
        "book/b.xhtml": "<html><body><p>tools</p></body></html>",
    }
    loaded = load("a.epub", zipped(members))
    assert (loaded.title, pages(loaded)) == ("The Classic", {"chapter 1": "源", "chapter 2": "tools"})


def test_rich_text_is_read_through_code_pages_and_escapes():
    text = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset134 B;}}{\*\generator x;}{\info{\title no}}"
        rb"\f0 caf\'e9 \u33590?\f1\'b2\'e8\par second\u-10187?\u-9131?{\pict 0a0b}}"
    )
    assert load("a.rtf", text).text == "café 茶茶\n\nsecond🐕".replace("🐕", "\U0001d455")


def test_open_documents_keep_headings_blanks_and_sheets():
    body = '<text:h text:outline-level="2">Tea</text:h><text:p>two<text:s text:c="2"/>blanks'
    body += "<text:a>x</text:a>!</text:p>"
    sheet = (
        "<table:table table:name='Costs'><table:table-row><table:table-cell><text:p>rent</text:p></table:table-cell>"
    )
    space = 'xmlns:text="urn:t" xmlns:table="urn:b" xmlns:o="urn:o"'

    def content(inner: str) -> bytes:
        return zipped({"content.xml": f"<o:c {space}><o:body>{inner}</o:body></o:c>"})

    found = blocks(load("a.odt", content(f"<o:text>{body}</o:text>")))
    assert found == [("heading", "Tea"), ("paragraph", "two  blanksx!")]
    rows = f"<o:spreadsheet>{sheet}</table:table-row></table:table></o:spreadsheet>"
    assert pages(load("a.ods", content(rows))) == {"sheet Costs": "rent"}


def test_members_of_archives_are_pages_under_their_names():
    inner = zipped({"notes/茶.md": "# Tea", "cup.png": b"\x89PNG", "broken.docx": b"no zip", "__MACOSX/._a.txt": "x"})
    loaded = load("a.zip", zipped({"inner.zip": inner, "b.csv": "a,b\n1,2"}))
    assert pages(loaded) == {"b.csv": "a | b\na: 1; b: 2", "inner.zip, notes/茶.md": "# Tea"}
    assert loaded.notes == ("inner.zip: broken.docx: damaged: not a complete zip package (File is not a zip file)",)


def test_links_in_a_tar_file_are_passed_over():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        member = tarfile.TarInfo("../../tea.txt")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"tea"))
    assert pages(load("a.tar.gz", buffer.getvalue())) == {"../../tea.txt": "tea"}


def test_a_text_over_the_limit_of_characters_is_refused_wherever_it_comes_from():
    rows = "tea\n" * 1000
    for name, data in {"a.txt": rows, "a.csv": rows, "a.zip": zipped({"a.txt": rows, "b.txt": rows})}.items():
        with pytest.raises(LoadError, match=r"characters|none of its"):
            load(name, data, characters=2000)


def test_gibberish_of_a_broken_font_is_refused_with_its_share():
    from indexer.loaders.quality import check

    text = "\ue012\ue034 tea " * 40
    with pytest.raises(LoadError, match="40% of the characters"):
        check(Loaded(text, (), "pdf"))
    assert check(Loaded("a few \ue012", (), "pdf"))
