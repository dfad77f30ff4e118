"""The sentences that answer."""

from __future__ import annotations

import pytest

from app.quote import choose, rank, split
from tests.app.given import BREAD, LIGHTHOUSE, TEA, hit

HITS = [hit(BREAD, 1), hit(LIGHTHOUSE, 2), hit(TEA, 3)]
QUESTIONS = [
    ("When was the lighthouse built?", "The lighthouse on Skerry was built in 1844."),
    ("How long do I bake rye bread?", "Bake it for 50 minutes at 220 degrees."),
    ("泡龙井的水温是多少？", "水温以八十五度为宜。"),
    ("what does the lamp burn", "Its lamp burns paraffin."),
]


@pytest.mark.parametrize(("question", "answer"), QUESTIONS)
def test_the_sentence_that_answers_comes_first_even_without_a_model(question: str, answer: str) -> None:
    assert rank(question, HITS, None)[0].text == answer


def test_a_model_leaves_what_the_words_already_settle(embedder) -> None:
    assert rank("When was the lighthouse on Skerry built?", HITS, embedder)[0].text == QUESTIONS[0][1]


def test_every_quote_is_the_span_of_its_document() -> None:
    page = "Preface.\n" + LIGHTHOUSE
    quotes = choose("lighthouse lamp", [hit(LIGHTHOUSE, start=9)], None)
    assert quotes and all(page[quote.start : quote.end] == quote.text for quote in quotes)


def test_what_two_overlapping_chunks_share_is_read_once() -> None:
    shared = hit("One here. Two here.", 1, document=5), hit("Two here. Three here.", 2, document=5, start=10)
    assert [sentence.text for sentence in split(shared)] == ["One here.", "Two here.", "Three here."]


def test_the_same_words_are_not_quoted_twice_from_two_files() -> None:
    quotes = choose("lighthouse built", [hit(LIGHTHOUSE, 1), hit(LIGHTHOUSE, 2)], None)
    assert len({quote.text for quote in quotes}) == len(quotes)


def test_sentences_that_follow_each_other_are_one_quote_in_reading_order() -> None:
    text = "Tea is a leaf. A green leaf is brewed at 80 degrees. A black leaf is brewed at 95 degrees. Ask us."
    quotes = choose("how hot is a green or black leaf brewed", [hit(text)], None)
    assert quotes[0].text == "A green leaf is brewed at 80 degrees. A black leaf is brewed at 95 degrees."


def test_nothing_found_is_nothing_quoted() -> None:
    assert choose("anything", [], None) == []


def test_a_heading_lends_its_words_to_what_stands_below_it_and_is_no_answer() -> None:
    text = (
        "## Storing green tea\n\nKeep it cool. Seal it and put it into the refrigerator.\n\n## Cups\n\nThey are blue."
    )
    found = rank("how is green tea stored", [hit(text)], None)
    assert {one.text for one in found[:2]} == {"Keep it cool.", "Seal it and put it into the refrigerator."}
    assert found[-1].text in ("## Storing green tea", "## Cups")


def test_a_short_sentence_is_read_on_but_not_into_the_next_section() -> None:
    text = "Take the dough out first. It needs ninety minutes to wake up, and more on a cold day in winter. Then bake."
    assert choose("when is the dough taken out", [hit(text)], None)[0].text == text.removesuffix(" Then bake.")
    text = "Take the dough out first.\n\n## Tea\n\nWarm the pot."
    assert choose("when is the dough taken out", [hit(text)], None)[0].text == "Take the dough out first."


def test_items_of_a_list_are_answers_although_no_stop_ends_them() -> None:
    items = "- A cup of coffee 3 euros\n- A pot of green tea 5 euros\n- A loaf of rye bread 4 euros"
    text = f"## Prices\n\n{items}\n\nPay at the bar."
    quotes = choose("what does a pot of green tea cost", [hit(text)], None)
    assert quotes[0].text == "- A pot of green tea 5 euros"
    text = "Bus stop\n\nGarden\n\nThe garden opens at nine. A bus stop stands before the gate."
    assert choose("where is the bus stop", [hit(text)], None)[0].text.endswith("before the gate.")
