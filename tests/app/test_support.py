"""What a written answer rests on."""

from __future__ import annotations

import pytest

from app.support import rests, without_marks
from tests.app.given import BREAD, LIGHTHOUSE, hit

HITS = [hit(LIGHTHOUSE, 1), hit(BREAD, 2)]


def test_a_sentence_rests_on_the_passage_whose_words_it_repeats() -> None:
    said = rests("The lighthouse was built in 1844. Bake rye bread at 220 degrees.", HITS, None)
    assert [rest.source and rest.source.hit.rank for rest in said] == [1, 2]


def test_a_sentence_without_a_passage_rests_on_none() -> None:
    assert rests("Whales sing across whole oceans.", HITS, None)[0].source is None


def test_two_words_in_common_are_no_support() -> None:
    said = rests("The lighthouse was sold to Norwegian whale hunters by admiral Ross.", HITS, None)
    assert said[0].source is None


def test_a_close_paraphrase_is_found_by_the_model(embedder) -> None:
    said = rests("Its lamp burns paraffin.", HITS, embedder)
    assert said[0].source is not None and said[0].source.text == "Its lamp burns paraffin."


@pytest.mark.parametrize("mark", ["[1]", " [2, 3]", "【4】", " (source 2)", "[Source 1]"])
def test_marks_of_the_writers_own_making_are_not_shown(mark: str) -> None:
    assert without_marks(f"It burns paraffin{mark}.") == "It burns paraffin."


def test_brackets_that_are_no_reference_stay() -> None:
    assert without_marks("a[i] and [sic] and (2 cups)") == "a[i] and [sic] and (2 cups)"
