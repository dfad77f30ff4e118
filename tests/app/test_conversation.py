"""What a writer is shown."""

from __future__ import annotations

import pytest

from app.conversation import Budget, Turn, messages, standalone
from tests.app.given import BREAD, LIGHTHOUSE, TEA, Script, hit

WRITER = Script("")
HITS = [hit(LIGHTHOUSE, 1), hit(BREAD, 2), hit(TEA, 3)]
TURNS = [Turn("When was the lighthouse built?", "In 1844."), Turn("And the lamp?", "It burns paraffin.")]


def shown(budget: Budget, history=()):
    return messages("Who kept it?", HITS, history, budget, lambda text: len(text.split()), WRITER.shorten)


def test_sources_stand_first_and_the_question_last() -> None:
    talk, used = shown(Budget(context=1000), TURNS)
    assert [message.role for message in talk] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert used == HITS and all(source.text in talk[0].content for source in HITS)
    assert talk[-1].content == "Who kept it?"


@pytest.mark.parametrize("context", [90, 120, 150, 200, 400])
def test_what_is_shown_stays_within_the_budget_and_chunks_stay_whole(context: int) -> None:
    talk, used = shown(Budget(context=context), TURNS)
    assert sum(len(message.content.split()) for message in talk) <= context
    assert used == HITS[: len(used)] and used
    assert len(used) == 1 or all(source.text in talk[0].content for source in used)


def test_the_latest_turns_are_the_ones_kept() -> None:
    talk, _ = shown(Budget(context=230), TURNS)
    asked = [message.content for message in talk if message.role == "user"]
    assert asked == [TURNS[1].question, "Who kept it?"]


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Who built it?", "When was the lighthouse built? Who built it?"),
        ("那水温呢？", "When was the lighthouse built? 那水温呢？"),
        ("How long is rye bread baked?", "How long is rye bread baked?"),
    ],
)
def test_a_question_that_leans_on_the_turn_before_brings_it_along(question: str, wanted: str) -> None:
    assert standalone(question, TURNS[:1]) == wanted


def test_a_first_question_stands_alone() -> None:
    assert standalone("Who built it?", []) == "Who built it?"


def test_a_small_context_still_leaves_room_to_reply() -> None:
    assert Budget.of(512) == Budget(context=384, reply=128)
