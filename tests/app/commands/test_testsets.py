"""`twofold testset`, and `twofold eval` on tasks that are no retrieval."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from app.commands.measure import evaluate
from indexer import Collection, Vote, read_beir
from indexer.tasks import TABLE
from tests.app.commands.shelf import twofold
from tests.indexer.test_testset import logbooks


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_model) -> Path:
    """A collection of a few documents that questions can be taken from."""
    made, files = tmp_path_factory.mktemp("asked"), tmp_path_factory.mktemp("logs")
    for name, text in logbooks().items():
        (files / f"{name}.md").write_text(text, encoding="utf-8")
    assert twofold("ingest", files, "--home", made, "--model", tiny_model, "--method", "mean").code == 0
    return made


def test_a_set_is_made_listed_measured_exported_and_dropped(home, tmp_path):
    made = twofold("testset", "make", "own", "--questions", 3, "--origin", "taken", "--home", home, "--json")
    assert made.json["origin"] == "taken" and 0 < made.json["questions"] <= 3 and "inverse cloze" in made.json["note"]
    assert made.json["details"]["judges"] == ["words", "mean"]
    assert twofold("testset", "--home", home, "--json").json["testsets"][0]["name"] == "own"
    shown = twofold("testset", "show", "own", "--home", home, "--json").json["questions"]
    assert len(shown) == made.json["questions"] and all(set(row["ranks"]) == {"words", "mean"} for row in shown)
    measured = twofold("eval", "made:own", "--methods", "words,mean", "--home", home, "--json").json
    assert set(measured["methods"]) == {"words", "mean"} and measured["dataset"] == "made:own"
    assert "of that name is made:own" in twofold("eval", "own", "--methods", "words", "--home", home).err
    told = twofold("testset", "export", "own", tmp_path / "out", "--home", home, "--json").json
    assert len(read_beir(tmp_path / "out").queries) == told["questions"] == made.json["questions"]
    assert "not empty" in twofold("testset", "export", "own", tmp_path / "out", "--home", home).err
    assert twofold("testset", "drop", "own", "--home", home, "--json").json["dropped"]
    assert "no test set called" in twofold("testset", "show", "own", "--home", home).err


def test_votes_are_exported_as_trec_qrels(home, tmp_path):
    assert "arena" in twofold("testset", "export", "votes", tmp_path / "none", "--home", home).err
    collection = Collection.open(home)
    chunk = collection.search("harbour", mode="words").hits[0].chunk
    collection.votes.add(Vote("where is the harbour", "mean", "words", "left", (chunk,), ()))
    collection.close()
    assert twofold("testset", "export", "votes", tmp_path / "votes", "--home", home).code == 0
    assert (tmp_path / "votes" / "qrels.trec").read_text() == f"0 0 {chunk} 1\n"


def test_a_model_that_does_not_answer_in_form_makes_no_set(home, tiny_model):
    ran = twofold("testset", "make", "w", "--origin", "written", "--questions", 1, "--home", home)
    assert ran.code == 1 and "no titles, headings or prose" not in ran.err and "usable question" in ran.err
    assert twofold("testset", "--home", home, "--json").json["testsets"] == []


@pytest.mark.parametrize("words", [("make",), ("export", "own"), ("shake", "own")])
def test_wrong_use_is_told(home, words):
    assert twofold("testset", *words, "--home", home).code == 2


def test_a_folder_of_another_task_is_measured_for_each_method(home, tiny_model, tmp_path):
    rows = [f"a sentence about thing {n}\ta sentence about thing {n}, said again" for n in range(8)]
    (tmp_path / "bitext.tsv").write_text("\n".join(rows))
    options = ("--methods", "mean,last,words", "--home", home)
    found = twofold("eval", tmp_path, *options, "--json").json
    assert found["task"] == "bitext" and set(found["methods"]) == {"mean", "last"}
    value, low, high = found["methods"]["mean"]["figures"]["f1"]
    assert 0 <= low <= value <= high <= 1 and found["methods"]["mean"]["items"] == 8
    assert "bitext mining" in twofold("eval", tmp_path, *options).out


def test_the_passkey_test_is_a_table_of_lengths(home, tiny_model):
    ran = twofold("eval", "passkey", "--methods", "mean", "--longest", 256, "--home", home, "--json")
    figures = ran.json["methods"]["mean"]["figures"]
    assert list(figures) == ["en 256", "zh 256"] and all(0 <= v[1] <= v[0] <= v[2] <= 1 for v in figures.values())


def test_the_help_of_eval_has_every_layout():
    told = " ".join((inspect.getdoc(evaluate) or "").split())
    assert all(task.layout.split("; ")[0] in told for task in TABLE if task.name != "retrieval")
