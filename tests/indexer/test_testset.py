import json
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder import Message
from indexer import Evaluator, Vote, read_beir
from indexer.asking import brainstorm, write
from indexer.own import evaluator, judge, known_vectors, of_questions, own_dataset, own_names, write_beir
from indexer.taking import Passage, Question, distinct, passages, plain, take, without
from indexer.testset import QuestionSet, QuestionSets, ranked, repeated, round_trip, why_not
from tests.indexer.conftest import drain
from tests.indexer.conftest import write as write_files

FERRY = (
    "# Ferries of the northern islands\n\nThe boats leave the old harbour every morning at seven and return at dusk. "
    "Tickets are sold at the kiosk beside the customs house. Bicycles travel free of charge on weekdays. Dogs need a "
    "muzzle and a leash on board, and horses are not carried at all.\n"
)
TIDE = (
    "# 潮汐与航运时间表\n\n海湾的潮水每天涨落两次，渡船必须等到高潮时才能靠岸。"
    "乘客应当提前半个小时到达码头并且出示船票。冬季风浪较大时航班可能取消，票款会在三天之内退还。\n"
)
BREAD = (
    "# Notes on sourdough baking\n\nRye flour drinks more water than wheat flour does, so the dough stays sticky for "
    "hours.\n\n## Feeding the starter culture\n\nA spoon of flour and a spoon of water every evening keep the culture "
    "alive. A sour smell is good, a pink colour means that it has to be thrown away.\n"
)
HERON = (
    "Grey herons build their heronries in tall trees near open water. The young stay in the nest for seven weeks and "
    "are fed by both parents. In hard winters many of them starve, because the shallow ponds are frozen over.\n"
)
WORDS = (
    "harbour anchor rope sail mast deck cabin galley rudder keel oar buoy tide reef shoal gull pier crane cargo barrel "
    "lantern compass chart sextant signal whistle pilot captain cook sailor"
).split()


def logbooks(count=8, sentences=6, seed=4):
    """Documents of one small vocabulary, so that no method finds every passage first."""
    chance = random.Random(seed)
    lines = [[" ".join(chance.sample(WORDS, 7)) for _ in range(sentences)] for _ in range(count)]
    return {f"log{n}": " ".join(f"The {line}." for line in one) for n, one in enumerate(lines)}


@pytest.fixture
def filled(collection, embedder, other, tmp_path):
    write_files(tmp_path / "docs", ferry=FERRY, tide=TIDE, bread=BREAD, heron=HERON)
    drain(collection.ingest(tmp_path / "docs", [embedder, other]))
    return collection


def taken(collection, seed=0):
    with collection.catalogue.read() as connection:
        return take(passages(connection, 100, seed=seed), seed=seed)


def test_questions_are_pieces_of_their_passages_in_both_languages(filled):
    found = taken(filled)
    assert {question.kind for question in found} >= {"title", "cloze"}
    assert any(re.search("[一-龥]", question.text) for question in found)
    for question in found:
        assert question.taken in question.passage and question.text in plain(question.taken)


def test_nothing_is_taken_from_code_tables_lists_or_links():
    text = "```\nThis line of code looks like a sentence but is none of that sort.\n```\n" + (
        "| One cell of a table says something about nothing at all here. |\n"
        "- One item of a list says something about nothing at all here.\n"
        "See https://example.org for one of the longer sentences about it here.\n"
        "Only this plain sentence about the herons of the reed bed is prose. " + "word " * 20
    )
    (question,) = take([Passage(1, "/x.md", "none", text, False)])
    assert question.text == "Only this plain sentence about the herons of the reed bed is prose"


def test_what_was_taken_is_nowhere_in_the_passages_that_are_searched(filled):
    found = taken(filled)
    dataset = of_questions(filled, found, "own")
    assert len(dataset.queries) == len(found)
    for number, question in enumerate(found):
        (source,) = dataset.judged[str(number)]
        assert question.taken not in dataset.documents[source] and dataset.documents[source].strip()


def test_vectors_that_are_there_are_used_and_cut_passages_are_encoded_anew(filled, embedder):
    found = taken(filled)[:1]
    dataset = of_questions(filled, found, "own")
    rows = known_vectors(filled, dataset, embedder)
    np.testing.assert_allclose(rows, embedder.documents(list(dataset.documents.values())), atol=2e-3)
    other = evaluator(filled, dataset).run(embedder, "dense")
    assert other.values("ndcg@10") == Evaluator(dataset).run(embedder, "dense").values("ndcg@10")


def question(number, ranks, text=""):
    said = text or f"thing{number} word{number}"
    return Question(said, "cloze", number, f"/{number}", f"passage {number}", ranks=ranks)


def test_a_title_is_asked_without_what_a_files_settings_put_before_it_and_cut_out_wherever_it_stands():
    text = '---\ntitle: "Ferries of the north"\n---\n\n# Ferries of the north\n\n' + FERRY.partition("\n\n")[2]
    (question,) = take([Passage(1, "/x.md", 'title: "Ferries of the north"', text, True)])
    assert question.text == "Ferries of the north" and "north" not in without(text, question.taken)


def test_what_a_files_settings_say_of_it_is_no_sentence_of_its_prose():
    settings = "---\ntitle: Buoys\nsummary: This page lists all buoys between harbour and lighthouse.\n---\n"
    prose = "The green buoys mark the deep channel that every ferry takes at low tide."
    text = f"{settings}\n{prose} {FERRY}"
    asked = [one.taken for seed in range(8) for one in take([Passage(1, "buoys.md", "Buoys", text, True)], seed=seed)]
    assert prose in asked and not any("summary" in taken for taken in asked)


def test_a_heading_is_asked_without_its_number():
    text = f"## 2.1 Crossing to the islands\n\n{FERRY.partition(chr(10))[2]}"
    (question,) = take([Passage(1, "/x.md", "Another title", text, False)])
    assert (question.kind, question.text) == ("heading", "Crossing to the islands")


@pytest.mark.parametrize(
    ("ranks", "reason"),
    [
        ({"words": 1, "a": 1}, "first for every"),
        ({"words": 1, "a": None}, "found again by fewer"),
        ({"words": None, "a": None}, "found again by fewer"),
        ({"words": 1, "a": 2}, ""),
        ({"words": 1, "a": 1, "b": None}, ""),
    ],
)
def test_only_what_tells_methods_apart_is_kept(ranks, reason):
    assert why_not(ranks).startswith(reason) and bool(why_not(ranks)) == bool(reason)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(1, 10), min_size=2), max_size=12))
def test_every_question_is_kept_or_dropped_for_one_reason(rows):
    made = [question(n, ranks) for n, ranks in enumerate(rows)]
    result = round_trip(made, 100)
    assert len(result.kept) + sum(result.dropped.values()) == len(rows)


def test_the_same_weights_in_another_format_are_no_second_voice():
    made = [
        question(n, {"words": None, "a": 1 + n % 3, "a, quantized": 1 + n % 3 + (n == 7), "b": None}) for n in range(30)
    ]
    assert round_trip(made, 100).kept == [] and repeated([one.ranks for one in made]) == {"a, quantized"}
    made = [question(n, {"words": 1 + n % 2, "a": 1 + n % 3}) for n in range(30)]
    assert repeated([one.ranks for one in made]) == set()


def test_near_duplicates_are_dropped():
    one = question(1, None, "how does the ferry to the islands leave")
    near = question(2, None, "does the ferry leave to the northern islands")
    far = question(3, None, "sourdough needs feeding every evening")
    assert distinct([one, near, far]) == [one, far]


def test_the_round_trip_ranks_each_source_under_each_method(filled, embedder, other):
    found = taken(filled)
    result = judge(filled, found, iter([("mean", embedder), ("last", other)]), 10)
    assert sum(result.dropped.values()) + len(result.kept) == len(found)
    assert all(set(row.ranks) == {"words", "mean", "last"} for row in result.kept)
    dataset = of_questions(filled, found, "x")
    again = ranked(found, {"mean": Evaluator(dataset).run(embedder, "dense")})
    assert all(row.ranks["mean"] is None or 1 <= row.ranks["mean"] <= 10 for row in again)
    with pytest.raises(ValueError, match="two methods"):
        judge(filled, found, [], 10)


def test_a_set_is_kept_edited_and_forgotten(filled):
    sets = QuestionSets(filled.catalogue)
    number = sets.add(QuestionSet("first", "taken", details={"seed": 0}), taken(filled))
    rows = sets.questions(number)
    sets.edit(rows[0].id, "  in other words ")
    sets.remove([rows[1].id])
    assert [sets.questions(number)[0].text, sets.questions(number)[0].edited] == ["in other words", True]
    assert sets.get("first").questions == len(rows) - 1 and own_names(filled) == ["first"]
    with pytest.raises(ValueError, match="already"):
        sets.add(QuestionSet("first", "taken"), [])
    sets.drop(number)
    with pytest.raises(LookupError, match="there: none yet"):
        own_dataset(filled, "first")


def test_a_set_survives_its_files_being_read_again_and_leaves_with_them(filled, embedder, other, tmp_path):
    sets = QuestionSets(filled.catalogue)
    number = sets.add(QuestionSet("kept", "taken"), taken(filled))
    before = {row.text: row.chunk for row in sets.questions(number)}
    write_files(tmp_path / "docs", ferry=FERRY + "\n\nA new line at the end of the file.\n")
    drain(filled.ingest(tmp_path / "docs", [embedder, other]))
    after = sets.questions(number)
    assert all(row.chunk is not None for row in after)
    assert {row.text: row.chunk for row in after} != before
    filled.remove(tmp_path / "docs" / "ferry.md")
    assert sets.questions(number) and not [row for row in sets.questions(number) if "ferry" in row.path]


def test_the_exported_folder_is_read_back_as_the_same_set(filled, tmp_path):
    sets = QuestionSets(filled.catalogue)
    sets.add(QuestionSet("kept", "taken"), taken(filled))
    made = own_dataset(filled, "kept")
    write_beir(made, tmp_path / "kept", {"origin": "taken"})
    again = read_beir(tmp_path / "kept")
    assert (again.queries, again.judged) == (made.queries, made.judged)
    assert {key: text.strip() for key, text in made.documents.items()} == again.documents
    assert json.loads((tmp_path / "kept" / "about.json").read_text()) == {"origin": "taken"}


def test_votes_are_a_test_set_too(filled):
    with pytest.raises(ValueError, match="vote in the arena first"):
        own_dataset(filled, "votes")
    hits = [hit.chunk for hit in filled.search("ferry", mode="words").hits]
    filled.votes.add(Vote("ferry", "a", "b", "left", tuple(hits), (10**6,)))
    made = own_dataset(filled, "votes")
    assert made.queries == {"0": "ferry"} and made.judged["0"][str(hits[0])] == 1 and "1000000" not in made.judged["0"]


def test_an_erased_document_takes_the_questions_that_were_pieces_of_it_along(filled, tmp_path):
    made = next(question for question in taken(filled) if "ferry" in question.path)
    hits = tuple(hit.chunk for hit in filled.search("ferry", mode="words").hits)
    for query in (made.text, "my own words"):
        filled.votes.add(Vote(query, "a", "b", "left", hits, ()))
    filled.remove(tmp_path / "docs" / "ferry.md")
    assert [vote.query for vote in filled.votes.all()] == ["", "my own words"]


class Says:
    """A writer that answers from a list, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, messages: list[Message], most: int) -> str:
        self.asked.append(messages[-1].content)
        return self.answers.pop(0)


PASSAGES = [Passage(n, f"/{n}.md", f"Title {n}", text, True) for n, text in enumerate([FERRY, TIDE, BREAD])]


def test_a_model_is_prompted_twice_and_what_breaks_the_form_is_counted():
    tasks = json.dumps(["Given a traveller's question, find the timetable", "Given a symptom, find the remedy"])
    said = Says(f"Sure!\n{tasks}", '{"query": "when do boats sail"}', "潮水什么时候涨", '{"query": "bicycles travel"}')
    *_, made = write(said, [PASSAGES[0], PASSAGES[1], PASSAGES[0]])
    assert [row.text for row in made.questions] == ["when do boats sail"] and len(made.tasks) == 2
    assert made.dropped == {"not in the form asked for": 1, "copied from the passage": 1}
    assert "Title 0" in said.asked[0] and FERRY[:80] in said.asked[1] and "Chinese" in said.asked[2]
    assert any(task in said.asked[1] for task in made.tasks)


def test_a_model_that_thinks_of_no_task_is_given_one():
    assert brainstorm(Says("I cannot"), ["a"]) == []
    *_, made = write(Says("no list", '{"query": "sticky dough"}'), [PASSAGES[2]])
    assert made.tasks == [] and made.questions[0].kind == "written"
