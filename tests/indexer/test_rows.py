import numpy as np
import pytest

from indexer import Citation, Vote, judgements, ratings, trec, votes_needed
from indexer.arena import strengths
from tests.indexer.conftest import drain


@pytest.fixture
def filled(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    return collection


def cite(hit) -> Citation:
    return Citation(1, hit.chunk, hit.document, hit.path, hit.page, hit.start, hit.end, hit.text)


def test_an_answer_can_be_reopened_with_its_citations(filled, embedder):
    hit = filled.search("purred", embedder, top=1).hits[0]
    number = filled.answers.start("Who purred?", style="quote", model="hash")
    assert filled.answers.get(number).state == "writing"
    filled.answers.finish(number, "The cat purred [1].", [cite(hit)])
    answer = filled.answers.get(number)
    assert (answer.text, answer.state) == ("The cat purred [1].", "done")
    assert answer.citations[0].text == hit.text and answer.citations[0].there
    follow = filled.answers.start("And then?", conversation=answer.conversation)
    assert [one.id for one in filled.answers.of(answer.conversation)] == [number, follow]
    assert filled.answers.conversations()[0].title == "Who purred?"


def test_erasing_a_source_blanks_what_was_quoted_of_it(filled, embedder, folder):
    hit = filled.search("purred", embedder, top=1).hits[0]
    number = filled.answers.start("Who purred?")
    filled.answers.finish(number, "The cat.", [cite(hit)])
    filled.remove(folder / "cats.md")
    citation = filled.answers.get(number).citations[0]
    assert (citation.text, citation.there, citation.path) == ("", False, hit.path)


def test_a_forgotten_conversation_takes_its_answers_along(filled):
    number = filled.answers.start("Who?")
    filled.answers.forget(filled.answers.get(number).conversation)
    with pytest.raises(LookupError):
        filled.answers.get(number)


def test_a_conversation_is_called_as_its_reader_likes(filled):
    talk = filled.answers.get(filled.answers.start("Who purred on the mat?")).conversation
    assert filled.answers.title(talk) == "Who purred on the mat?"
    filled.answers.rename(talk, "  About\n cats " + "x" * 200)
    assert filled.answers.title(talk) == ("About cats " + "x" * 200)[:80]
    assert filled.answers.conversations()[0].title == filled.answers.title(talk) and filled.answers.title(999) == ""
    with pytest.raises(ValueError, match="needs a title"):
        filled.answers.rename(talk, " ")


def test_votes_can_be_taken_back_and_become_judgements(collection):
    votes = collection.votes
    votes.add(Vote("q", "a", "b", "left", (1, 2, 3, 4), (5, 6, 1)))
    wrong = votes.add(Vote("q", "a", "b", "right", (1,), (5,)))
    votes.undo(wrong)
    judged = judgements(votes.all())
    assert judged == {"q": {1: 1, 2: 1, 3: 1, 5: 0, 6: 0}}
    assert next(iter(trec(judged))) == "1 0 1 1"
    with pytest.raises(ValueError, match="left, right, both, neither"):
        Vote("q", "a", "b", "better")  # type: ignore[arg-type]


def test_ratings_recover_the_odds_that_made_the_votes():
    chance = np.random.default_rng(3)
    skill = {"a": 1200.0, "b": 1000.0, "c": 900.0}
    votes = []
    for _ in range(1500):
        left, right = chance.choice(list(skill), 2, replace=False)
        wins = chance.random() < 1 / (1 + 10 ** ((skill[right] - skill[left]) / 400))
        votes.append(Vote("q", str(left), str(right), "left" if wins else "right"))
    found = {rating.method: rating for rating in ratings(votes, resamples=50)}
    assert found["a"].value - found["c"].value == pytest.approx(300, abs=60)
    assert all(rating.low <= rating.value <= rating.high for rating in found.values())
    assert list(found) == ["a", "b", "c"]


def test_two_methods_have_the_ratings_of_the_closed_form():
    table = np.array([[0.0, 75.0], [25.0, 0.0]])
    rated = strengths(table)
    assert rated[0] - rated[1] == pytest.approx(400 * np.log10(75.5 / 25.5), abs=0.1)


def test_more_votes_are_asked_for_the_closer_it_is():
    clear = [Vote("q", "a", "b", "left")] * 9 + [Vote("q", "b", "a", "left")]
    close = [Vote("q", "a", "b", "left")] * 11 + [Vote("q", "a", "b", "right")] * 9
    assert votes_needed(clear, "a", "b") == 0 and votes_needed(close, "a", "b") > 100
    assert votes_needed(close[:10] + close[-10:], "a", "b") is not None
    assert votes_needed([], "a", "b") is None and ratings([]) == []


def test_the_library_lists_finds_and_opens_documents(filled, folder):
    assert [row.title for row in filled.documents()] == ["Cats", "月亮", "Taxes"]
    assert [row.title for row in filled.documents(like="TAX")] == ["Taxes"]
    assert filled.documents(limit=1, offset=1)[0].title == "月亮"
    document = filled.document_at(folder / "moon.md")
    assert "明月" in document.text and document.kind == "md" and filled.document_at(folder / "no.md") is None
    with pytest.raises(LookupError, match="not in the collection"):
        filled.document(999)


def test_the_export_has_every_document_whole(filled):
    rows = list(filled.export())
    assert len(rows) == 3 and all(row["text"][k["start"] : k["end"]] for row in rows for k in row["chunks"])
    assert "text" not in next(iter(filled.export(text=False)))


def test_the_figures_of_a_collection(filled):
    status = filled.status()
    assert (status["documents"], status["chunks"], status["kinds"]) == (3, 3, {"md": 3})
    assert status["spaces"][0]["ready"] and status["bytes"] > 0 and status["jobs"] == []
