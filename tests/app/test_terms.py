"""Terms, their rarity, and what is marked for a reader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.terms import marks, rarity, terms, window


def test_words_are_folded_stemmed_and_cleared_of_function_words() -> None:
    assert [term.text for term in terms("The Cafés were forecasting agencies' stories")] == [
        "caf", "forecast", "agency", "story",
    ]  # fmt: skip


def test_the_forms_of_a_verb_are_one_term() -> None:
    assert {term.text for term in terms("bake baked baking bakes")} == {"bak"}


def test_chinese_is_read_in_pairs_without_the_asking_words() -> None:
    assert [term.text for term in terms("黑豹丢了多少分")] == ["黑豹", "豹丢", "丢了", "了多", "少分"]


def test_a_rare_term_weighs_more_than_a_common_one() -> None:
    weight = rarity([["tea", "water"], ["tea"], ["tea", "salt"]])
    assert weight["salt"] == weight["water"] > weight["tea"] > 0


def test_marks_join_where_they_touch() -> None:
    assert marks("我喝龙井茶。", "龙井茶") == [(2, 5)]


def test_a_window_shows_the_marked_part_of_a_long_text() -> None:
    text = "filler " * 100 + "lighthouse keeper" + " filler" * 100
    start, end = window(text, marks(text, "lighthouse"), 120)
    assert "lighthouse" in text[start:end] and end - start <= 140


@given(st.text(max_size=200), st.text(max_size=40))
def test_every_mark_lies_inside_the_text_in_order(text: str, query: str) -> None:
    spans = marks(text, query)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
