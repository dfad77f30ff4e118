"""The pages of test sets and of other tasks without a browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st

import app.house
from app.contenders import contender
from app.house import House
from app.making import Making, Plan, Resident, provenance
from app.measuring import Run, passkey_figures
from app.parts_shared import house as shared
from embedder import Embedder, HashEngine
from indexer import Collection, Progress
from indexer.measured import Measurements
from indexer.testset import QuestionSets
from tests.app.test_pages import drawn, opened
from tests.indexer.test_testset import HERON, logbooks

HOSTILE = "<b>The hostile heron</b> writes ![pictures](http://evil.example/a.png) into every sentence of this file."


@pytest.fixture
def asked(tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house over documents that questions can be taken from."""
    folder = tmp_path / "docs"
    folder.mkdir()
    texts = logbooks() | {"bad": f"{HOSTILE} {HERON}"}
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    collection = Collection.open(tmp_path)
    for _ in collection.ingest(folder, [embedder]):
        pass
    collection.close()
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path))
    monkeypatch.setenv("TWOFOLD_METHOD", "mean")
    monkeypatch.setattr(app.house, "opener", lambda model, settings: HashEngine())
    st.cache_resource.clear()
    yield shared()
    st.cache_resource.clear()


def made(house: House, name: str = "own") -> None:
    """A set of whatever the round trip keeps."""
    space = house.collection.spaces()[0]
    for _ in Making(house.collection, Plan(name, 20), [("mean", house.of_space(space))]).run():
        pass


def test_a_set_is_made_in_the_background_and_shown_with_where_it_comes_from(asked: House) -> None:
    at = opened("testsets")
    assert "writes poorly" in drawn(at) and "inverse cloze" in drawn(at)
    at.text_input(key="testset-name").set_value("mine")
    next(one for one in at.button if one.label == "Make").click().run()
    assert asked.works.wait() and not asked.works.problems
    at.run()
    assert not at.exception
    (found,) = QuestionSets(asked.collection.catalogue).all()
    assert (found.name, found.origin) == ("mine", "taken") and found.details["judges"] == ["words", "mean"]
    assert "inverse cloze" in at.info[0].value and f"<b>{found.questions}</b>" in drawn(at)
    assert asked.collection.jobs()[0].state == "done"


def test_the_bar_of_a_set_never_goes_back(asked: House, monkeypatch: pytest.MonkeyPatch) -> None:
    making, told = Making(asked.collection, Plan("bar", 5), []), []
    monkeypatch.setattr(Making, "_tell", lambda self, done, text: told.append(done))
    spaces = [SimpleNamespace(ready=True), SimpleNamespace(ready=True), SimpleNamespace(ready=False)]
    monkeypatch.setattr(asked.collection, "spaces", lambda: spaces)
    for current in ("mean document", "mean query", "mean document", "mean query"):  # one method on two models
        for done in (0, 10):
            making._encoding(Progress(done, 10, current=current))
    assert told == [80, 84, 84, 89, 89, 94, 94, 99]


def test_questions_are_edited_removed_and_forgotten(asked: House) -> None:
    made(asked)
    store = QuestionSets(asked.collection.catalogue)
    before = store.questions(store.get("own").id)
    at = opened("testsets")
    assert not at.exception and at.dataframe[0].value["Question"].tolist() == [row.text for row in before]
    at.session_state[f"testset-table-{store.get('own').id}"] = {
        "edited_rows": {0: {"Question": "asked otherwise"}, 1: {"Remove": True}}, "added_rows": [], "deleted_rows": [],
    }  # fmt: skip
    at.button(key="testset-save").click().run()
    after = store.questions(store.get("own").id)
    assert after[0].text == "asked otherwise" and after[0].edited and len(after) == len(before) - 1
    at.button(key="testset-drop").click().run()
    assert store.all() == [] and not at.exception


def test_a_passage_is_shown_as_text_with_what_was_taken_struck_through(asked: House) -> None:
    made(asked)
    at = opened("testsets")
    texts = [row.text for row in QuestionSets(asked.collection.catalogue).questions(1)]
    for number in range(len(texts)):
        at.selectbox(key="testset-look").set_value(number).run()
        assert (
            "<s>" in drawn(at)
            and "<b>The hostile" not in drawn(at)
            and "![" not in at.selectbox(key="testset-look").label
        )


def test_a_name_twice_is_refused(asked: House) -> None:
    made(asked)
    at = opened("testsets")
    at.text_input(key="testset-name").set_value("own")
    next(one for one in at.button if one.label == "Make").click().run()
    assert "no other has" in at.error[0].value


class Writes(HashEngine):
    """A model that answers in the form asked for."""

    def stream(self, messages, *, stop, max_tokens):
        prompt = messages[-1].content
        passage = prompt.partition("Passage:\n")[2].split()
        yield '{"query": "' if passage else '["Given a traveller, find the timetable"]'
        if passage:
            yield " ".join(word.strip('".#,') for word in passage[6:12:2]) + '"}'


def test_a_model_that_writes_is_named_and_called_related(asked: House) -> None:
    author = Resident("hash", Writes(), asked.runtime)
    space = asked.collection.spaces()[0]
    making = Making(asked.collection, Plan("w", 4), [("mean", asked.of_space(space))], author)
    assert [step.done for step in making.run()][-1] == 100
    found = QuestionSets(asked.collection.catalogue).get("w")
    assert (found.origin, found.model) == ("written", "hash") and found.details["tasks"]
    assert "generator and judge are related" in provenance(found)
    assert "generator and judge are related" in opened("testsets").info[0].value


def test_what_is_under_way_can_be_stopped(asked: House) -> None:
    stop = threading.Event()
    stop.set()
    judge = ("mean", asked.of_space(asked.collection.spaces()[0]))
    assert list(Making(asked.collection, Plan("never", 4), [judge], stop=stop).run()) == []
    assert asked.collection.jobs()[0].state == "cancelled" and not QuestionSets(asked.collection.catalogue).all()
    one = contender("mean", asked.collection.spaces())
    run = Run(asked.collection, "passkey test", [one], asked.of_contender, asked.bench.telling, stop)
    assert list(run.steps(lambda opened, stop, tell: passkey_figures(opened, stop=stop, tell=tell))) == []
    assert asked.collection.jobs()[0].state == "cancelled" and asked.bench.telling == {}


def test_a_folder_of_a_task_is_measured_and_told_by_its_files(asked: House, tmp_path: Path) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    rows = [{"text": f"{word} {n}", "label": word} for n in range(4) for word in ("sea", "law")]
    (folder / "clusters.jsonl").write_text("\n".join(map(json.dumps, rows)))
    at = opened("tasks")
    at.text_input(key="tasks-folder").set_value(str(tmp_path / "nothing")).run()
    at.button(key="tasks-go").click().run()
    assert "there is no folder" in at.error[0].value.replace("\\", "")
    at.text_input(key="tasks-folder").set_value(str(folder)).run()
    at.button(key="tasks-go").click().run()
    assert asked.works.wait() and not asked.works.problems
    at.run()
    assert not at.exception and "v-measure" in drawn(at) and "topics · clustering" in at.subheader[0].value
    assert Measurements(asked.collection.catalogue).all()[0].items == 8


def test_the_passkey_test_is_drawn_for_each_language(asked: House) -> None:
    at = opened("tasks")
    at.selectbox(key="passkey-longest").set_value(256).run()
    at.button(key="passkey-go").click().run()
    assert asked.works.wait() and not asked.works.problems
    at.run()
    assert not at.exception and {"English", "Chinese"} <= {one.value for one in at.subheader}
    assert "256 tokens" in drawn(at) and drawn(at).count("%") >= 6
    assert asked.works.current == "" and asked.collection.jobs()[0].state == "done"
