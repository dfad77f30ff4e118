"""The page on training: every recipe has its row before and after, and the benchmark runs every recipe."""

import re
from pathlib import Path

import pytest

pytest.importorskip("peft", reason="training comes with the extra `train`")

from benchmarks.train import RUNS
from embedder.training.recipes import RECIPES

PAGE = Path(__file__).parent.parent / "docs" / "training.md"


def test_the_benchmark_runs_every_recipe_on_what_it_learns_from():
    assert {run.recipe for run in RUNS.values()} == set(RECIPES)
    for name, run in RUNS.items():
        stages = RECIPES[run.recipe].chosen(run.stages)
        texts = all(stage.objective == "mntp" or stage.views == "twice" for stage in stages)
        assert (run.learns == "texts") == texts, name
        assert not run.after or run.after in RUNS


def test_the_page_tells_of_every_run_before_and_after():
    told = PAGE.read_text("utf-8").partition("## Does it help?")[2]
    for name, run in RUNS.items():
        for measure in run.measures:
            assert re.search(rf"\| {name}( \(\d+ steps\))? \| {re.escape(measure)} \|", told), f"{name}, {measure}"
