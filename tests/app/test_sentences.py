"""Sentences as spans."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sentences import LONGEST, sentences

CASES = [
    ("One. Two! Three?", ["One.", "Two!", "Three?"]),
    ("Dr. Smith met J. R. Hale in the U.S. Senate.", ["Dr. Smith met J. R. Hale in the U.S. Senate."]),
    ("It cost 3.5 million, i.e. too much. He paid.", ["It cost 3.5 million, i.e. too much.", "He paid."]),
    ("龙井产于杭州。“真的吗？”他问。是！", ["龙井产于杭州。", "“真的吗？”", "他问。", "是！"]),
    ("# Bread\nFlour and\nwater.\n\n1. Mix.\n2. Bake.", ["# Bread", "Flour and\nwater.", "1. Mix.", "2. Bake."]),
    ("name\tage\nAda\t36", ["name\tage", "Ada\t36"]),
    ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
    ("", []),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_a_text_is_cut_where_a_reader_would_cut_it(text: str, wanted: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == wanted


@given(st.text(alphabet='ab .。！?\n\tA1,，#-黑豹"”', max_size=900))
def test_spans_are_in_order_trimmed_short_and_hold_every_letter(text: str) -> None:
    spans = sentences(text)
    pieces = [text[start:end] for start, end in spans]
    assert all(piece == piece.strip() and 0 < len(piece) <= LONGEST for piece in pieces)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    assert "".join("".join(pieces).split()) == "".join(text.split())
