"""Columns side by side, and what the figures of a measurement support."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from app import palette
from app.bench import Bench
from app.compare import beside, document, letter, moved, passages, table
from app.contenders import contender, offered, parsed
from app.errands import Errands
from app.evaluation import aligned
from app.parts_measure import titles_of
from app.pictures import apart, colours, quality_against_cost, rank_flow
from app.recommend import advice_json, evidence, recommend, sentence
from app.works import Works
from embedder import HashEngine, open_embedder
from indexer import Collection, Cost, Found, Interval, QueryRow, Result, Results, Space
from tests.app.given import hit


def space(number: int, method: str, model: str, *, default: bool = False) -> Space:
    return Space(number, f"f{number}", method, model, "1", 64, False, "", default, 3, 0, False)


SPACES = [space(1, "pocket", "pocket", default=True), space(2, "echo", "pocket"), space(3, "echo", "big")]


def test_contenders_are_called_as_shortly_as_can_be():
    assert offered(SPACES)[:4] == ["pocket", "echo@pocket", "echo@big", "words"]
    assert [contender(label, SPACES).space.id for label in ("pocket", "echo@big", "echo", "pocket+words")] == [
        1,
        3,
        3,
        1,
    ]
    both, words, new = parsed("pocket+words, words,mean@/models/x,words", SPACES, "hybrid")
    assert (both.mode, words.mode, new.mode) == ("hybrid", "words", "hybrid")
    assert new.space is None and (new.method, new.model) == ("mean", "/models/x")
    with pytest.raises(ValueError, match="no METHOD"):
        contender("@pocket", SPACES)


def column(*numbers: int) -> Found:
    """A column of passages by number, in rank order."""
    return Found([hit(f"passage {n}", rank, document=n) for rank, n in enumerate(numbers, 1)])


def hits_of(*numbers: int) -> Found:
    return Found([replace(one, chunk=n) for one, n in zip(column(*numbers).hits, numbers, strict=True)])


def test_passages_have_one_letter_in_all_columns_and_say_how_they_moved():
    columns = {"one": hits_of(7, 8, 9), "two": hits_of(8, 7, 5)}
    found = {one.hit.chunk: one for one in passages(columns)}
    assert [found[n].letter for n in (7, 8, 9, 5)] == ["A", "B", "C", "D"] and letter(26) == "AA"
    assert [moved(found[n], "two", "one") for n in (7, 8, 9, 5)] == ["▼ 1", "▲ 1", "", "new"]
    assert found[7].spread == 1 and found[9].shared == 1
    assert colours(list(found.values())) == {"A": palette.colour(0), "B": palette.colour(1)}


def test_a_comparison_is_saved_with_all_that_made_it():
    comparison = beside("q", {"one": hits_of(7, 8), "two": hits_of(8, 5)})
    told = json.loads(json.dumps(document(comparison, {"top": 2})))
    assert told["top"] == 2 and told["columns"]["two"]["hits"][0]["chunk"] == 8
    assert told["overlap"][0]["shared"] == 1 and told["overlap"][0]["jaccard"] == pytest.approx(1 / 3)
    rows = list(csv.reader(io.StringIO(table(comparison))))
    assert rows[0][:3] == ["passage", "one", "two"] and [row[:3] for row in rows[1:]] == [
        ["A", "1", ""], ["B", "2", "1"], ["C", "", "2"],
    ]  # fmt: skip


def test_a_line_joins_a_passage_s_columns_and_is_dashed_past_one_that_lacks_it():
    columns = {"one": hits_of(7, 8), "two": hits_of(8, 5), "three": hits_of(7, 5)}
    drawn = rank_flow(passages(columns), {name: name.title() for name in columns}).to_dict()
    lines = drawn["layer"][0]["data"]["values"]
    ends = {
        row["line"]: (row["beyond"], {one["column"] for one in lines if one["line"] == row["line"]}) for row in lines
    }
    assert ends == {"A0": (True, {"One", "Three"}), "B0": (False, {"One", "Two"}), "C0": (False, {"Two", "Three"})}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*palette.COLOURS, palette.ALONE])
def test_every_colour_is_seen_on_both_pages(colour):
    light, dark, own = luminance("#fbfcfb"), luminance("#101514"), luminance(colour)
    assert (light + 0.05) / (own + 0.05) >= 3 and (own + 0.05) / (dark + 0.05) >= 3


def result(method: str, values: np.ndarray, tokens: float = 20.0, mode: str = "dense") -> Result:
    rows = tuple(QueryRow(str(n), f"q{n}", {"ndcg@10": float(v)}, ()) for n, v in enumerate(values))
    mean = float(values.mean())
    metrics = {"ndcg@10": Interval(mean, mean - 0.04, mean + 0.04)}
    fingerprint = "" if mode == "words" else f"f-{method}"
    return Result("votes", "d", method, "m", mode, "", fingerprint, metrics, rows, Cost(tokens, 1, 2, 3, 4))


BASE = np.random.default_rng(0).random(80) * 0.5


def test_a_method_is_recommended_only_where_the_paired_test_supports_it():
    better, same = result("echo", BASE + 0.2, 42.0), result("mean", BASE + 0.001 * np.sign(np.arange(80) % 2 - 0.5))
    default = result("pocket", BASE)
    advice = recommend([default, better, same], "f-pocket")
    assert (advice.verdict, advice.best.method, advice.rival.method) == ("promote", "echo", "pocket")
    told = sentence(advice, own=True)
    assert told.startswith("On your folder, echo wins (nDCG 0.") and told.endswith("and costs 2.1× the tokens.")
    assert "paired randomisation test" in evidence(advice)
    tie = recommend([default, same], "f-pocket")
    assert tie.verdict == "tie" and not tie.sure and "cannot be told apart yet" in sentence(tie, own=True)
    assert recommend([better, same], "f-echo").verdict == "stay"
    words = recommend([default, result("words", BASE + 0.2, 0.0, "words")], "f-pocket")
    assert words.verdict == "words" and "words alone win" in sentence(words, own=False)
    assert recommend([default], "").verdict == "alone" and recommend([]) is None and advice_json(None) is None
    assert advice_json(tie)["tied"] == ["pocket"] or advice_json(tie)["tied"] == ["mean"]


def test_the_advice_names_models_where_they_differ_and_whom_it_cannot_tell_apart():
    small, other = result("pocket", BASE), replace(result("pocket", BASE + 0.2), model="who/small-q8", fingerprint="g")
    told = recommend([small, other, result("mean", BASE + 0.2, 30.0)], "f-pocket")
    assert sentence(told, own=True).startswith("On your folder, pocket on small-q8 wins")
    assert "for pocket on m)" in sentence(told, own=True)
    assert evidence(told).endswith("Not told apart from it either: mean on m.")
    assert "either" not in evidence(recommend([small, other], "f-pocket"))


def test_of_equals_the_one_that_costs_less_comes_first():
    advice = recommend([result("echo", BASE, 42.0), result("mean", BASE, 20.0)], "f-echo")
    assert (advice.verdict, advice.best.method, advice.rival.method) == ("tie", "mean", "echo")


def test_picking_the_best_of_many_asks_for_more_evidence():
    chance = np.random.default_rng(4)
    pool = [result(f"m{n}", np.clip(BASE + chance.normal(0, 0.12, 80), 0, 1)) for n in range(9)]
    two = recommend(sorted(pool, key=lambda one: -one.metrics["ndcg@10"].value)[:2], "")
    many = recommend(pool, "")
    assert many.p >= two.p and many.verdict == "tie"


def test_results_are_paired_by_question():
    one, other = result("a", BASE[:5]), result("b", BASE[:3])
    assert aligned(one, other) == ([*map(float, BASE[:3])], [*map(float, BASE[:3])])


def test_errands_for_the_model_in_memory_go_first_and_are_kept():
    log, gate = [], threading.Event()

    def opened(wanted: Space) -> object:
        gate.wait(5)
        log.append(wanted.model)
        if wanted.model == "gone":
            raise ValueError("it is not there any more")
        return SimpleNamespace(queries=lambda texts, instruction: np.ones((1, 4)))

    errands = Errands(opened, lambda wanted: wanted.model == "near")
    first = errands.send(space(1, "a", "far"), "q")
    time.sleep(0.05)  # it has begun
    others = [errands.send(space(n, "a", model), "q") for n, model in ((2, "gone"), (3, "far"), (4, "near"))]
    assert errands.waiting == 3
    gate.set()
    assert all(errand.over.wait(5) for errand in (first, *others))
    assert log == ["far", "near", "gone", "far"] and others[0].reason and others[1].vector is not None
    assert errands.send(space(1, "a", "far"), "q") is first
    assert errands.send(space(2, "a", "gone"), "q") is not others[0]  # a failure is tried again
    assert first.embedder.fingerprint == "f1" and first.embedder.engine.name == "far"


def test_a_measurement_that_is_stopped_keeps_what_is_done(tmp_path):
    from tests.app.commands.shelf import write_beir

    collection = Collection.open(tmp_path / "home")
    embedder = open_embedder(method="mean", engine=HashEngine())
    works = Works()

    def opened(one: object) -> object:
        (job,) = bench.running()
        collection.cancel(job.id)
        return embedder

    bench = Bench(collection, works, opened, tmp_path / "cache")
    assert bench.start(str(write_beir(tmp_path / "two")), parsed("words,mean,last", []))
    assert works.wait(20) and not works.problems
    (job,) = collection.jobs()
    assert (job.state, job.kind) == ("cancelled", "eval") and 0 < job.done < job.total
    assert [one.label for one in Results(collection.catalogue).all()] == ["words"]
    assert bench.start(str(tmp_path / "nowhere"), parsed("words", [])) and works.wait(20)
    assert collection.jobs()[0].state == "failed" and "nowhere" in works.problems[0][1]
    collection.close()


def test_methods_of_the_same_cost_are_drawn_beside_each_other():
    assert apart([0.0, 10.0, 10.0, 10.05], 1.0) == [0.0, 10.0, 11.0, 12.05]
    drawn = quality_against_cost([result("a", BASE), result("b", BASE)], ["a", "b"], "tokens").to_dict()
    rows = drawn["layer"][0]["data"]["values"] if "data" in drawn["layer"][0] else drawn["data"]["values"]
    assert {row["x"] for row in rows} == {20.0} and len({row["place"] for row in rows}) == 2


def test_results_are_named_by_their_model_only_where_that_tells_them_apart():
    one, other = result("echo", BASE), replace(result("echo", BASE), model="big")
    assert titles_of([one, result("mean", BASE), other]) == ["echo on m", "mean", "echo on big"]
    encoder = replace(result("sbert", BASE), model="who/mini")
    assert titles_of([one, encoder, result("mean", BASE)]) == ["echo", "sbert on mini", "mean"]
    assert titles_of([one, encoder]) == ["echo on m", "sbert on mini"]
    worded = replace(one, instruction="find what answers")
    assert titles_of([one, worded]) == ["echo", "echo “find what answers”"]
