"""Recipes as rows, data as files, batches by seed, filters and synthetic pairs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from embedder import HashEngine, find_method, open_embedder
from embedder.training import data as d
from embedder.training import filters
from embedder.training.groups import GROUPS
from embedder.training.recipe import Recipe, Stage
from embedder.training.recipes import RECIPES, TABLE, find_recipe
from embedder.training.synthetic import Invalid, Synthesis, chosen_values, example, fill


def test_every_recipe_ends_in_a_method_and_names_its_source():
    for row in TABLE:
        assert find_method(row.method) and row.source and row.chosen()
    assert {"llm2vec", "e5", "sgpt", "prompteol", "repllama", "udever", "cpt", "gtr", "echo", "gritlm"} <= set(RECIPES)
    assert [stage.name for stage in find_recipe("llm2vec").chosen()] == ["mntp", "simcse"]
    assert [s.name for s in find_recipe("llm2vec").chosen(("supervised", "mntp"))] == ["mntp", "supervised"]


def test_a_wrong_name_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'sgpt'"):
        find_recipe("sgtp")
    with pytest.raises(ValueError, match="its stages: mntp"):
        find_recipe("llm2vec").chosen(("nonsense",))
    with pytest.raises(ValueError, match="objective"):
        Stage("x", "magic", "lora", rate=1, batch=1)
    with pytest.raises(ValueError, match="no method"):
        Recipe("x", "", "", "nothing-like-it", ())


def test_pairs_are_read_from_lines_packed_or_not_and_in_others_spellings(tmp_path):
    rows = [
        {"query": "q1", "positive": "p1", "task": "qa"},
        {"query": "q2", "pos": ["p2", "p3"], "neg": ["n1", "n2"]},
        {"anchor": "q4", "positive": "p4", "negative": "n4", "instruction": "Do it"},
        {"query": "", "positive": "an answer to nothing"},
        {"response": "said", "prompt": "asked"},
        {"text": "A text that is long enough to learn from.\n\nshort"},
    ]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    found = d.read([tmp_path / "a.jsonl"])
    assert found.sets["a/qa"] == [d.Pair("q1", "p1", (), d.TASKS["qa"])]
    assert [pair.positive for pair in found.sets["a"]] == ["p2", "p3", "p4"]
    assert found.sets["a"][2] == d.Pair("q4", "p4", ("n4",), "Do it")
    assert found.replies == [d.Reply("said", "asked")] and len(found.texts) == 1
    zstandard = pytest.importorskip("zstandard", reason="packed data needs the extra `train`")
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.compress(text.encode()))
    assert d.read([tmp_path / "b.jsonl.zst"]).pairs == found.pairs


def test_a_beir_folder_gives_the_pairs_of_the_split_that_was_asked_for(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "title": "T", "text": "words"}\n', encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "which"}\n', encoding="utf-8")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no qrels/train.tsv; splits there: test"):
        d.read([tmp_path])
    assert d.read([tmp_path], split="test").sets[tmp_path.name] == [d.Pair("which", "T words")]


def test_a_folder_of_text_gives_paragraphs_and_neighbours(tmp_path):
    (tmp_path / "one.md").write_text("The first paragraph of it.\n\nThe second paragraph of it.\n\ntiny", "utf-8")
    found = d.read([tmp_path])
    assert found.texts == ["The first paragraph of it.", "The second paragraph of it."]
    assert found.sets[tmp_path.name] == [d.Pair(*found.texts)]
    with pytest.raises(ValueError, match="no file or folder"):
        d.read([tmp_path / "nowhere"])
    (tmp_path / "bad.jsonl").write_text('{"query": "q", "positive": "p"}\n{nonsense', encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        d.read([tmp_path / "bad.jsonl"])


def test_what_is_held_out_is_in_no_set_and_the_same_each_time():
    def made():
        return d.Data({"a": [d.Pair(f"q{n % 150}", f"p{n}") for n in range(300)]})

    one, two = made(), made()
    held = d.hold_out(one)
    assert held == d.hold_out(two) and one.sets == two.sets and len(held) >= 15
    assert not {pair.query for pair in held} & {pair.query for rows in one.sets.values() for pair in rows}


def test_a_batch_is_of_one_set_and_has_no_text_twice():
    batches = pytest.importorskip("embedder.training.batches", reason="training comes with the extra `train`")
    sets = {
        "a": [d.Pair(f"q{n}", f"p{n % 7}") for n in range(40)],
        "b": [d.Pair(f"r{n}", f"s{n}", (f"t{n}",), "Do") for n in range(30)],
    }
    rows = batches.groups(sets, negatives=1)
    every = batches.Concat(rows)
    plan = batches.plan(rows, 6, seed=3, epochs=2, steps=0)
    assert plan == batches.plan(rows, 6, seed=3, epochs=2, steps=0) != batches.plan(rows, 6, seed=4, epochs=2, steps=0)
    for numbers in plan:
        pairs = [every[n] for n in numbers]
        assert len({(pair.instruction, len(pair.negatives)) for pair in pairs}) == 1
        assert len({pair.positive for pair in pairs}) == len(pairs) == 6
    assert len(batches.plan(rows, 6, seed=3, epochs=2, steps=5)) == 5


WORDS = "harbour lighthouse ferry bread tea permit island railway museum garden".split()


@pytest.fixture(scope="module")
def embedder():
    return open_embedder(method="mean", engine=HashEngine())


def test_the_filter_keeps_what_its_own_query_finds(embedder):
    good = [d.Pair(f"{word} {n}", f"{word} {n} and the rest of it") for n, word in enumerate(WORDS)]
    bad = d.Pair("volcano eruption lava", "tea bread garden")
    assert filters.consistent([*good, bad], embedder, keep=1) == good


def test_a_mined_negative_is_near_but_never_right_nor_too_near(embedder):
    pairs = [d.Pair("harbour permit", "harbour permit office"), d.Pair("harbour permit", "harbour permit form")]
    pairs += [d.Pair("harbour tea", "harbour tea house"), d.Pair("island", "island garden walk")]
    pairs += [d.Pair("copy", "harbour permit office now")]  # nearly the positive: it would be a false negative
    found = filters.mined(pairs, embedder, negatives=2)
    right = {"harbour permit office", "harbour permit form"}
    vectors = {p.positive: embedder.documents([p.positive])[0] for p in pairs}
    for pair in found:
        query = embedder.queries([pair.query])[0]
        limit = float(query @ vectors[pair.positive])
        assert all(float(query @ vectors[text]) <= limit - 0.05 * abs(limit) + 1e-6 for text in pair.negatives)
    assert not right & set(found[0].negatives) and found[0].negatives


class Scripted:
    """An author that answers by the prompt: a list of tasks, or an example with the keys it asks for."""

    name = "scripted"

    def __init__(self, fail=()):
        self.fail, self.prompts = set(fail), []

    def write(self, prompt, *, seed, max_tokens):
        self.prompts.append(prompt)
        if len(self.prompts) in self.fail:
            return "I cannot do that."
        if "JSON list" in prompt:
            return "Of course:\n" + json.dumps([f"task number {seed} of some kind {n}" for n in range(3)])
        group = next(g for g in GROUPS if all(f'"{key}"' in prompt for key in g.keys))
        return "```json\n" + json.dumps({key: f"{key} {seed} {{x}}" for key in group.keys}) + "\n```"


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_each_of_the_six_groups_gives_pairs(tmp_path, group):
    done = Synthesis(tmp_path / "out.jsonl", Scripted(), [group.name])
    done.run(3)
    assert done.made == {group.name: 3} and bool(done.tasks[group.name]) == bool(group.tasks)


def test_a_synthesis_that_was_stopped_goes_on_to_the_same_file(tmp_path):
    whole = Synthesis(tmp_path / "whole.jsonl", Scripted())
    whole.run(40)
    broken = Synthesis(tmp_path / "broken.jsonl", Scripted())
    broken.run(15)
    with broken.out.open("a", encoding="utf-8") as file:
        file.write('{"query": "half a li')
    Synthesis(tmp_path / "broken.jsonl", Scripted()).run(40)
    assert broken.out.read_text("utf-8") == whole.out.read_text("utf-8")
    rows = d.read([whole.out])
    assert rows.pairs == 40 and all(pair.instruction for pairs in rows.sets.values() for pair in pairs)


def test_answers_that_are_no_use_are_counted_and_an_author_who_gives_nothing_is_told(tmp_path):
    some = Synthesis(tmp_path / "some.jsonl", Scripted(fail=(1, 4)))
    some.run(10)
    assert sum(some.rejected.values()) == 2 and some.kept == 10
    with pytest.raises(ValueError, match="does not follow"):
        Synthesis(tmp_path / "none.jsonl", Scripted(fail=range(1000))).run(5, patience=8)


def test_an_example_must_be_what_was_asked_for():
    group = next(group for group in GROUPS if group.name == "long-short")
    good = {"input_text": "the tap drips", "label": "plumbing", "misleading_label": "painting"}
    row = example(group, json.dumps(good), "Sort letters")
    assert row == {
        "query": "the tap drips", "positive": "plumbing", "negatives": ["painting"], "instruction": "Sort letters"
    }  # fmt: skip
    wrong = [
        ("{}", "keys missing"), ('{"input_text"', "broken JSON"), ("no", "no JSON"),
        (json.dumps(good | {"label": "tap"}), "label in the text"),
        (json.dumps(good | {"label": "painting"}), "texts repeated"),
    ]  # fmt: skip
    for answer, reason in wrong:
        with pytest.raises(Invalid, match=reason):
            example(group, answer, "")


def test_placeholders_are_all_filled_once_and_two_languages_differ():
    for group in GROUPS:
        for seed in range(20):
            values = chosen_values(group, np.random.default_rng(seed))
            assert values.get("source") != values.get("target") or "source" not in values
            prompt = fill(group.example, {**values, "task": "a {task} with braces"})
            assert "{" not in prompt.replace("{task} with", "")
    assert replace(GROUPS[0], name="x").name == "x"
