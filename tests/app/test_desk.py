"""Answers under way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.desk import Ask
from app.house import House
from app.saved import turns
from embedder import HashEngine


def asked(house: House, *args, **given):
    """An answer waited for, as its row."""
    number = house.desk.ask(Ask(*args, **given))
    assert house.desk.wait(number)
    return house.collection.answers.get(number)


def test_an_answer_is_a_row_with_its_citations(house: House) -> None:
    row = asked(house, "When was the lighthouse on Skerry built?")
    first = row.citations[0]
    assert row.state == "done" and first.text == "The lighthouse on Skerry was built in 1844."
    assert house.collection.document(first.document).text[first.start : first.end] == first.text
    assert row.details["retrieved"] and row.details["p_value"] < 0.5


def test_an_answer_can_be_reopened_by_another_process(house: House) -> None:
    row = asked(house, "What does the lamp on Skerry burn?")
    from indexer import Collection

    again = Collection.open(house.settings.home).answers.get(row.id)
    assert again == row


def test_a_follow_up_is_asked_with_the_turn_before(house: House) -> None:
    first = asked(house, "When was the lighthouse on Skerry built?")
    history = turns(house.collection.answers.of(first.conversation))
    number = house.desk.ask(Ask("What does its lamp burn?", first.conversation), history)
    assert house.desk.wait(number)
    assert house.collection.answers.get(number).citations[0].text == "Its lamp burns paraffin."


def test_a_stopped_answer_keeps_its_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, seen = threading.Event(), []

    def slow(self, messages, *, stop, max_tokens):
        yield "The lighthouse "
        begun.set()
        while not stop.wait(0.01):
            yield ""

    monkeypatch.setattr(HashEngine, "stream", slow)
    number = house.desk.ask(Ask("When was the lighthouse built?", style="write"))
    assert begun.wait(10)
    while not seen and not threading.Event().wait(0.01):  # the words reach the buffer a step after they are written
        seen += [buffer.text] if (buffer := house.desk.buffer(number)) and buffer.text else []
    house.desk.stop(number)
    assert house.desk.wait(number)
    row = house.collection.answers.get(number)
    assert (row.state, row.text, seen[0]) == ("stopped", "The lighthouse", "The lighthouse ")


def test_a_failure_is_told_with_its_reason(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, messages, *, stop, max_tokens):
        raise RuntimeError("out of memory")
        yield ""

    monkeypatch.setattr(HashEngine, "stream", broken)
    row = asked(house, "When was the lighthouse built?", style="write")
    assert (row.state, row.details["reason"]) == ("failed", "out of memory")


def test_reranked_answers_still_cite_their_passages(house: House) -> None:
    row = asked(house, "How long is rye bread baked?", rerank=True)
    assert "50 minutes" in row.text


def test_a_folder_added_twice_is_read_once(house: House, tmp_path) -> None:
    (tmp_path / "new.md").write_text("Herons nest in colonies called heronries.")
    assert house.add_folder(tmp_path) and house.works.wait()
    assert asked(house, "Where do herons nest?").citations[0].text.startswith("Herons")
    assert house.collection.remove(tmp_path) == 1


def test_ten_readers_search_and_ask_at_once_over_one_engine(house: House) -> None:
    def read(number: int) -> str:
        hits = house.collection.search("lighthouse lamp", house.embedder(), top=3).hits
        row = asked(house, "When was the lighthouse on Skerry built?" if number % 2 else "How is rye bread baked?")
        return f"{hits[0].rank} {row.state} {bool(row.citations)}"

    engine = house.runtime.engine()
    with ThreadPoolExecutor(10) as readers:
        told = set(readers.map(read, range(30)))
    assert told == {"1 done True"} and house.runtime.engine() is engine
