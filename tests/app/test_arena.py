"""The blind arena without a browser: duels, votes, what stays hidden and what may be known."""

from __future__ import annotations

import random

import pytest

from app.arena import Duel, Ring, pairs_in_turn, questions_of, topics
from app.contenders import contender
from app.house import House
from indexer import Vote, judgements
from tests.app.test_pages import drawn, opened

LABELS = ("mean", "words", "mean+words")


@pytest.fixture
def fresh(house: House) -> House:
    """The house, without the votes of earlier tests."""
    for vote in house.collection.votes.all():
        house.collection.votes.undo(vote.id)
    return house


def ring(house: House) -> Ring:
    return Ring(house.collection, house.of_contender)


def entered(house: House, *labels: str) -> list:
    return [contender(label, house.collection.spaces()) for label in labels]


def test_a_duel_shows_what_each_side_would_have_found(fresh: House) -> None:
    one, other = entered(fresh, "mean", "words")
    duel = ring(fresh).duel("when was the lighthouse built", [(one, other)], random.Random(1))
    assert {duel.left, duel.right} == {"mean", "words"}
    hits = {duel.left: duel.left_hits, duel.right: duel.right_hits}
    alone = fresh.collection.search("when was the lighthouse built", mode="words", top=5).hits
    assert [hit.chunk for hit in hits["words"]] == [hit.chunk for hit in alone]


def test_a_coin_decides_who_stands_left(fresh: House) -> None:
    one, other = entered(fresh, "mean", "words")
    left = {ring(fresh).duel("the lamp", [(one, other)], random.Random(seed)).left for seed in range(12)}
    assert left == {"mean", "words"}


def test_two_that_found_the_same_give_way_to_two_that_differ(fresh: House) -> None:
    words, mean = entered(fresh, "words", "mean")
    same = (words, words)
    assert ring(fresh).duel("lighthouse", [same, same], random.Random(1)) is None
    duel = ring(fresh).duel("when was the lighthouse built", [same, (words, mean)], random.Random(1))
    assert {duel.left, duel.right} == {"words", "mean"}


def test_questions_of_the_documents_are_those_on_which_methods_differ(fresh: House) -> None:
    found = ring(fresh)
    duels = found.duels(found.taken(20, seed=1), entered(fresh, *LABELS), random.Random(2))
    assert duels and len({duel.query for duel in duels}) == len(duels)
    for duel in duels:
        assert [hit.chunk for hit in duel.left_hits] != [hit.chunk for hit in duel.right_hits]


def test_the_pair_with_the_fewest_votes_comes_next() -> None:
    three = [contender(label, []) for label in LABELS]
    votes = [Vote("q", "mean", "words", "left"), Vote("q", "words", "mean+words", "both")]
    pairs = pairs_in_turn(votes, three, random.Random(3))
    assert {one.label for one in pairs[0]} == {"mean", "mean+words"} and len(pairs) == 3
    with pytest.raises(ValueError, match="two contenders"):
        pairs_in_turn([], three[:1], random.Random(3))


def test_files_of_questions_are_read_as_lines_and_as_json() -> None:
    assert questions_of("\ufeffone\n\n two \none\n".encode()) == ["one", "two"]
    assert questions_of('{"_id": "1", "text": "问题"}\n{"query": "b"}\n{broken\n'.encode()) == ["问题", "b", "{broken"]
    assert questions_of(b"\xff\xfe") and topics(["a\tb", "c"]) == "1\ta b\n2\tc\n"


def test_a_question_is_voted_on_revealed_and_taken_back(fresh: House) -> None:
    at = opened("arena")
    at.multiselect(key="arena-who").set_value(["mean", "words"]).run()
    at.text_input(key="arena-query").set_value("When was the lighthouse on Skerry built?")
    next(one for one in at.button if one.label == "Ask both").click().run()
    assert not at.exception
    duel: Duel = at.session_state["arena"]["line"][0]
    shown = drawn(at) + " ".join(element.proto.label for element in at.get("page_link"))
    assert "Left" in shown and "lighthouse" in shown
    assert not any(
        word in drawn(at) for word in ("Words (BM25)", "meaning", "cosine", "mean<")
    )  # nothing gives it away
    at.button(key="arena-left").click().run()
    (vote,) = fresh.collection.votes.all()
    assert (vote.choice, vote.left, vote.right) == ("left", duel.left, duel.right)
    assert vote.left_hits == tuple(hit.chunk for hit in duel.left_hits)
    assert "Left was" in at.success[0].value and "Standings" in [one.value for one in at.subheader]
    assert judgements([vote])[vote.query][duel.left_hits[0].chunk] == 1
    at.button(key="arena-undo").click().run()
    assert fresh.collection.votes.all() == [] and at.button(key="arena-left") and not at.success


def test_questions_are_mined_and_asked_one_after_the_other(fresh: House) -> None:
    at = opened("arena")
    at.segmented_control(key="arena-from").set_value("mined").run()
    at.button(key="arena-mine").click().run()
    assert not at.exception
    first = at.session_state["arena"]["line"]
    assert len(first) > 1
    at.button(key="arena-neither").click().run()
    at.button(key="arena-next").click().run()
    assert at.session_state["arena"]["line"] == first[1:]
    at.button(key="arena-skip").click().run()
    assert len(fresh.collection.votes.all()) == 1


def test_ratings_are_drawn_once_there_are_enough_votes_and_pairs_told_apart(fresh: House) -> None:
    for _ in range(6):
        fresh.collection.votes.add(Vote("q", "mean", "words", "left"))
    at = opened("arena")
    assert "Bradley–Terry" in drawn(at) and "none: told apart" in drawn(at) and "6 of 6" in drawn(at)


@pytest.mark.usefixtures("fresh")
def test_one_method_alone_is_told_that_a_duel_takes_two() -> None:
    at = opened("arena")
    at.multiselect(key="arena-who").set_value(["words"]).run()
    assert "at least two" in at.info[0].value
