"""Pieces of the pages: nothing of a reader's file is ever markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import parts

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/a.png)",
    "[click](javascript:alert(1))",
    '"><svg onload=alert(1)>',
    "</div></body><iframe src=//evil.example>",
    "$\\href{http://evil.example}{x}$ :material/close: :red[boo]",
]
OURS = {"div", "mark", "span", "b", "table", "thead", "tbody", "tr", "th", "td", "sup", "h1", "p"}


class Tags(HTMLParser):
    """Collects the tags and attributes of a piece of HTML, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


PIECES = [
    lambda text: parts.excerpt(text, text),
    lambda text: parts.chips([(text, text)]),
    lambda text: parts.stats([(text, text)]),
    lambda text: parts.table([text], [[text]]),
    lambda text: parts.hero(text, text),
    lambda text: parts.dim(text),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("piece", PIECES)
def test_no_piece_lets_a_documents_markup_through(piece, text: str) -> None:
    seen = Tags(piece(text))
    assert seen.tags <= OURS and seen.names <= {"class", "scope", "title"}


@given(st.text(max_size=300), st.text(max_size=40))
def test_an_excerpt_of_any_text_has_only_marks_and_loses_no_letter(text: str, query: str) -> None:
    seen = Tags(parts.excerpt(text, query, size=400))
    assert seen.tags <= {"div", "mark"}
    assert "".join(seen.words.split()) == "".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_escapes_every_mark_of_markdown(text: str) -> None:
    assert not re.search(r"(?<!\\)[*_`\[\]()<>!$:]", parts.plain(text))


def test_prose_that_only_wrapped_flows_and_tables_keep_their_rows() -> None:
    prose = "A line of prose that is long enough to have been\nwrapped here.\n\n- an item\n- another"
    assert parts.flowing(prose) == prose.replace("been\n", "been ").replace("\n\n", "\n")
    table = "a column of words that is rather wide indeed | b\nc | d"
    assert parts.flowing(table) == table


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-x", "@cmd"])
def test_a_name_is_no_formula_where_a_table_is_saved(name: str) -> None:
    assert parts.cell(name) == f"'{name}" and parts.cell("notes.md") == "notes.md"


def test_a_long_label_is_cut_and_stays_on_one_line() -> None:
    assert parts.plain("a\n b" * 200, limit=20) == ("a b" * 200).replace("ba", "ba")[:19] + "…"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (250_000, "250 kB"), (5_300_000_000, "5.3 GB")]
)
def test_sizes_are_read_by_a_person(count: int, text: str) -> None:
    assert parts.size(count) == text


@pytest.mark.parametrize(
    ("s", "text"), [(0.0214, "21 ms"), (3.21, "3.2 s"), (45, "45 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_durations_are_read_by_a_person(s: float, text: str) -> None:
    assert parts.duration(s) == text
