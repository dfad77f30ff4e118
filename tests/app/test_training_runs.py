"""Runs as the page sees them, and the page itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import app.house
import embedder.training
from app import training_runs
from app.house import House
from app.parts_shared import house as shared
from app.training_runs import PLACE, WAYS, from_passages, on_a_page, runs
from embedder import HashEngine
from tests.app.test_pages import drawn, opened


def run_of(home: Path, name: str, pid: int, *, done: bool = False, said: str = "") -> None:
    """A run's files, as the command line leaves them."""
    place = home / PLACE
    (place / name).mkdir(parents=True)
    told = {"pid": pid, "recipe": "simcse", "base": "pocket", "words": ["--steps", "2"], "begun": 0.0}
    (place / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    (place / f"{name}.log").write_text(said, encoding="utf-8")
    rows = [
        {"stage": "simcse", "step": n, "steps": 4, "loss": 2.0 / n, "tokens": 10, "seconds": n, "rate": 1e-4,
         "tokens_per_s": 10.0, "eta_s": 4.0 - n, "score": None, "micro": 8}
        for n in (1, 2)
    ]  # fmt: skip
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (place / name / "log.jsonl").write_text(text + '{"half', encoding="utf-8")
    if done:
        (place / name / "twofold.json").write_text('{"method": "mean"}', encoding="utf-8")


GONE = 2**22 - 1  # no process has this number


def test_what_became_of_a_run_is_read_from_its_files(tmp_path: Path) -> None:
    run_of(tmp_path, "a", GONE, done=True)
    run_of(tmp_path, "b", GONE, said="twofold: stopped at step 2 of 4 (simcse)\n")
    run_of(tmp_path, "c", GONE, said="Traceback\ntwofold: no pairs to train on\n")
    found = {run.name: run for run in runs(tmp_path)}
    assert [found[name].phase for name in "abc"] == ["finished", "stopped", "failed"]
    assert found["c"].reason == "no pairs to train on" and len(found["a"].rows) == 2
    assert training_runs.free_name(tmp_path, "a") == "a-1"


def test_another_process_with_an_old_number_is_not_taken_for_a_run(tmp_path: Path) -> None:
    run_of(tmp_path, "a", os.getppid())
    assert runs(tmp_path)[0].phase != "running" or "train" in training_runs._line_of(os.getppid())


def test_a_collection_gives_texts_and_neighbours(house: House) -> None:
    data = from_passages(house.collection, "default")
    assert any("lighthouse" in text for text in data.texts) and data.sources == ["the collection default"]


@pytest.fixture
def page(house: House) -> AppTest:
    """The page with one run that was stopped."""
    place = house.settings.home / PLACE
    if not place.exists():
        run_of(house.settings.home, "simcse-1", GONE, said="twofold: stopped at step 2 of 4 (simcse)\n")
    return opened("train")


def test_the_page_tells_the_cost_and_shows_runs(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft", reason="training comes with the extra `train`")
    assert "Gao et al." in drawn(page) and any("simcse\\-1" in one.value for one in page.markdown)
    page.button(key="train-cost").click().run()
    assert not page.exception and "<table" in drawn(page) and "Batch" in drawn(page)
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(training_runs, "begin", lambda *given: begun.append(given[1:]))
    page.number_input(key="train-steps").set_value(7)
    page.button(key="train-start").click().run()
    assert begun[0][:3] == ("simcse-2", "simcse", "pocket")
    assert "--from-collection" in begun[0][3] and "7" in begun[0][3]
    page.button(key="train-resume-simcse-1").click().run()
    assert begun[1][0] == "simcse-1" and begun[1][3] == ("--steps", "2")


def test_a_file_that_is_none_is_told(page: AppTest) -> None:
    page.text_input(key="train-data").set_value("/nowhere/<b>.jsonl")
    page.button(key="train-cost").click().run()
    assert "no file or folder" in page.error[0].value and not page.exception


def test_a_page_names_the_way_out_that_a_page_has() -> None:
    """And every switch that it has another name for is one that some message gives."""
    training = Path(embedder.training.__file__).parent
    sources = "".join(" ".join(file.read_text("utf-8").split()) for file in training.glob("*.py"))
    assert all(switch in sources.replace('" f" ', " ").replace('" " ', " ") for switch in WAYS)
    said = on_a_page("the loss is nan at step 3: lower the rate with --rate")
    assert "“Learning rate”" in said and "--" not in said


def test_an_adapter_is_asked_for_on_the_page(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(training_runs, "begin", lambda *given: begun.append(given[4]))
    page.selectbox(key="train-trains").set_value("lora")
    page.number_input(key="train-rate").set_value(0.001)
    page.button(key="train-start").click().run()
    assert " ".join(begun[0]).endswith("--trains lora --rate 0.001")


class Named(HashEngine):
    """The test double as several models, which see the words of a text differently."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.name = self.revision = Path(model).name


def test_one_click_brings_a_trained_model_and_its_base_to_the_arena(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOFOLD_HOME", str(tmp_path))
    monkeypatch.setattr(app.house, "opener", lambda model, settings: Named(model))
    monkeypatch.setattr("app.screens.train.POLL_SECONDS", 600.0, raising=False)
    run_of(tmp_path, "simcse-1", GONE, done=True)
    st.cache_resource.clear()
    home = shared()
    home.add_folder(files)
    assert home.works.wait() and [space.model for space in home.collection.spaces()] == ["pocket"]
    at = opened("train")
    at.button(key="train-arena-simcse-1").click().run()
    if not at.multiselect:  # the vectors were not there at once: the reader waits on the page
        assert home.works.wait()
        at.run()
    assert not at.exception and {space.model for space in home.collection.spaces()} == {"pocket", "simcse-1"}
    assert len(at.multiselect(key="arena-who").value) == 2
    assert {one.rpartition("@")[2] for one in at.multiselect(key="arena-who").value} <= {"pocket", "simcse-1", "mean"}
    st.cache_resource.clear()
