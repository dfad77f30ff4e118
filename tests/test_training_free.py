"""The table of training-free methods says what its figures say."""

from benchmarks.training_free import MINILM, WORDS, markdown, reading, subset
from indexer import Dataset

TABLE = {
    WORDS: {"a": 60.0, "b": 10.0},
    "`pocket` (trained for it)": {"a": 70.0, "b": 40.0, "sts": 80.0},
    "`mean`": {"a": 50.0, "b": 30.0, "sts": 60.0},
    "`last`": {"a": 20.0, "b": 10.0, "sts": 30.0},
    MINILM: {"a": 55.0, "b": 5.0, "sts": 90.0},
}


def test_the_reading_follows_from_the_figures():
    said = " ".join(reading(TABLE, ["a", "b"], ["sts"]))
    assert "`mean` has the highest mean (46.7) and `last` the lowest (20.0)" in said
    assert f"ahead of {WORDS} in 1 of 2 columns: b." in said and f"ahead of {MINILM} in 1 of 3 columns: b." in said
    assert "`pocket`, which the weights were trained for, lies 16.7 points above `mean`" in said


def test_the_best_training_free_figure_is_bold_and_a_missing_one_a_dash():
    lines = markdown(TABLE, ["a", "b", "sts"]).splitlines()
    assert lines[4] == "| `mean` | **50.0** | **30.0** | **60.0** |" and lines[2].endswith("| – |")
    assert "**" not in lines[3] + lines[6]


def test_a_subset_keeps_what_its_queries_need():
    documents = {f"d{n}": "text" for n in range(50)}
    whole = Dataset("x", documents, {f"q{n}": "?" for n in range(9)}, {f"q{n}": {f"d{n}": 1} for n in range(9)})
    cut = subset(whole, 10, 4)
    assert len(cut.documents) == 10 and len(cut.judged) == 4 and cut.documents == subset(whole, 10, 4).documents
    assert all(key in cut.documents for found in cut.judged.values() for key in found)
    assert subset(whole, 1000, 1000).documents == documents
