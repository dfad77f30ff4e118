"""The pages that put methods side by side, driven without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.evaluation import open_test_set, test_sets
from app.house import House
from embedder import HashEngine
from indexer import Cost, Interval, QueryRow, Result, Results, Vote
from tests.app.given import BREAD, LIGHTHOUSE, TEA
from tests.app.test_pages import drawn, opened


@pytest.fixture
def two(house: House) -> Iterator[House]:
    """The library with vectors of a second method."""
    for _ in house.collection.add_space(house.embedder("last")):
        pass
    yield house
    house.collection.drop_space(next(space.id for space in house.collection.spaces() if not space.default))


def test_compare_ties_the_same_passages_together(two: House) -> None:
    at = opened("compare", query="lighthouse lamp")
    assert list(at.multiselect(key="columns").value) == ["mean", "last", "words"]
    body = drawn(at)
    assert body.count('<div class="tf-head">') == 3 and "Words (BM25)" in body
    assert "<i>A</i><b>#1</b>" in body and "Jaccard@8" in body
    assert any("--tf-tie: #2f7fd0" in one.proto.body for one in at.get("html"))
    assert len(at.get("vega_lite_chart")) == 1
    assert "▲" in body or "▼" in body or "=" in body


def test_the_instruction_of_a_column_changes_that_column_alone(two: House) -> None:
    at = opened("compare", query="lighthouse lamp", columns="words")
    assert at.info and "at least two" in at.info[0].value


def test_a_space_that_is_not_whole_is_no_first_choice_and_says_what_it_lacks(
    two: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = two.collection.spaces()
    rows = [one if one.default else replace(one, missing=2) for one in spaces]
    other = next(one.method for one in spaces if not one.default)
    monkeypatch.setattr(two.collection, "spaces", lambda: rows)
    at = opened("compare", query="ferry")
    assert other not in at.session_state.columns and not at.warning and not at.exception
    at.multiselect(key="columns").set_value(["words", other]).run()
    assert "2 passages cannot be found here" in at.warning[0].value
    assert other not in opened("arena").multiselect(key="arena-who").options


def test_the_lab_says_where_no_method_reads_an_instruction(two: House) -> None:
    at = opened("lab")
    assert any("No method here reads" in one.value for one in at.markdown)


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    corpus = [LIGHTHOUSE, BREAD, TEA, "Ferries leave every hour."]
    queries = ["the lighthouse lamp", "rye bread starter", "龙井茶的水温", "every hour a ferry"]
    for name, texts in (("corpus", corpus), ("queries", queries)):
        rows = [json.dumps({"_id": f"{name[0]}{n}", "text": text}) for n, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("".join(f"q{n}\tc{n}\t1\n" for n in range(4)))
    return folder


def test_a_folder_is_measured_and_its_results_stay(two: House, beir: Path) -> None:
    at = opened("evaluate", folder=str(beir))
    assert "Nothing measured on this set yet" in drawn(at)
    assert list(at.multiselect(key="evaluate-methods").value) == ["mean", "last", "words"]
    at.button(key="evaluate-go").click().run()
    assert two.works.wait(30) and not two.works.problems
    at.run()
    assert not at.exception
    body = drawn(at)
    assert "cannot be told apart yet" in body and "95% bootstrap" in body and "Better on" in body
    assert not [button for button in at.button if button.key == "measure-promote"]
    assert len(at.get("vega_lite_chart")) == 1 and len(at.dataframe[0].value) == 4
    (job,) = [job for job in two.collection.jobs() if job.kind == "eval"]
    assert job.state == "done" and job.done == job.total


def test_votes_are_a_test_set_and_a_clear_winner_can_be_promoted(two: House) -> None:
    hits = two.collection.search("lamp", mode="words").hits
    best = hits[0].chunk
    votes = [two.collection.votes.add(Vote("lamp", "mean", "last", "left", (best,), (best + n,))) for n in (1, 2)]
    assert test_sets(two.collection) == ["votes"]
    test = open_test_set(two.collection, "votes")
    results = Results(two.collection.catalogue)
    spaces = two.collection.spaces()
    for space, value in zip(spaces, (0.1, 0.9), strict=True):
        rows = tuple(
            QueryRow(str(n), f"q{n}", {"ndcg@10": value, "recall@10": 1.0, "mrr@10": 1.0}, ()) for n in range(30)
        )
        metrics = {name: Interval(value, value - 0.05, value + 0.05) for name in ("ndcg@10", "recall@10", "mrr@10")}
        results.keep(Result("votes", test.digest, space.method, "hash", "dense", "", space.fingerprint, metrics, rows,
                            Cost(20.0 * value, 100.0, 128, 0.01, 0.02)))  # fmt: skip
    at = opened("evaluate", set="votes")
    body = drawn(at)
    assert (
        "On your folder, last wins (nDCG 0.90 [0.85, 0.95], against 0.10 for mean), and costs 9.0× the tokens" in body
    )
    at.button(key="measure-promote").click().run()
    assert two.collection.default_space().method == "last" and not at.exception
    two.collection.rollback()
    results.forget(test.digest)
    for vote in votes:
        two.collection.votes.undo(vote)


def test_a_test_set_that_is_none_says_what_it_lacks(two: House, tmp_path: Path) -> None:
    at = opened("evaluate", folder=str(tmp_path))
    assert any("qrels/test.tsv" in one.value.replace("\\", "") for one in at.error)


def test_a_method_is_estimated_then_cards_tell_of_it(two: House) -> None:
    at = opened("methods")
    assert "default" in drawn(at) and any(button.key == "models-build" for button in at.button)
    at.selectbox(key="models-space").set_value("echo")
    at.button(key="models-estimate").click().run()
    assert "passages to embed" in drawn(at) and "echo on hash" in drawn(at) and not at.exception
    at.selectbox(key="methods-card").set_value("echo").run()
    assert "Rewrite the following paragraph" in drawn(at) and "arXiv:2402.15449" in drawn(at)
    at.selectbox(key="methods-card").set_value("gritlm").run()
    assert "<td>&lt;|user|&gt;\\n{instruction}\\n&lt;|embed|&gt;" in drawn(at).replace("{bos}", "")
    at.text_input(key="models-on").set_value("/nowhere/model")
    two.runtime._opener = refusing
    at.button(key="models-estimate").click().run()
    assert any("no such model" in one.value for one in at.error)


def refusing(model: str, settings: object) -> HashEngine:
    """No other model can be opened."""
    if model == "/nowhere/model":
        raise ValueError("no such model")
    return HashEngine()


def test_a_promotion_can_be_undone_on_the_page(two: House) -> None:
    other = next(space for space in two.collection.spaces() if not space.default)
    at = opened("methods")
    at.button(key=f"models-promote-{other.id}").click().run()
    assert two.collection.default_space().id == other.id
    at.button(key="spaces-rollback").click().run()
    assert two.collection.default_space().method == "mean" and not at.exception
