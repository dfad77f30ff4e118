"""Methods, models, vectors and figures."""

import json

import numpy as np
import pytest

from embedder import METHODS
from indexer import Collection, Vote
from tests.app.commands.shelf import twofold


def test_methods_lists_every_row_of_the_table():
    assert [row["name"] for row in twofold("methods", "--json").json["methods"]] == list(METHODS)
    shown = twofold("methods").out
    assert all(name in shown for name in METHODS)


def test_a_method_is_added_used_and_dropped_without_reading_a_file_again(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    for file in [*fresh.files.rglob("*.*")]:
        file.unlink()
    added = twofold("methods", "add", "last", "--home", fresh.home, "--json")
    assert added.json["vectors"] == 3 and added.json["projected"]["chunks"] == 3 and "on disk" in added.err
    assert twofold("methods", "use", "last", "--home", fresh.home, "--json").json["default"]
    refused = twofold("methods", "drop", "last", "--home", fresh.home).err
    assert "last is what searches use: `twofold methods use mean` before" in refused
    assert twofold("methods", "drop", "mean", "--home", fresh.home, "--json").json["dropped"]
    assert "add NAME" in twofold("methods", "drop", "last", "--home", fresh.home).err
    held = twofold("status", "--home", fresh.home, "--json").json
    assert [(space["method"], space["default"]) for space in held["spaces"]] == [("last", True)]


def test_a_dry_run_of_add_tells_what_it_would_take_and_does_nothing(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    told = twofold("methods", "add", "last", "--dry-run", "--home", fresh.home, "--json").json
    assert told["projected"]["bytes"] == 3 * 32 * 2
    assert len(twofold("status", "--home", fresh.home, "--json").json["spaces"]) == 1


def test_models_names_what_a_collection_was_made_with(filled):
    rows = {row["model"]: row for row in twofold("models", "--home", filled.home, "--json").json["models"]}
    assert rows["tiny"]["used_by"] == ["default"] and rows["tiny"]["dim"] == 32 and rows["tiny"]["bytes"] > 0
    assert "pocket" in rows
    assert twofold("models", filled.model, "--json").json["context"] == 1024
    pocket = twofold("models", "pocket", "--home", filled.home, "--json").json
    assert (pocket["context"], pocket["limit"]) == (2048, 512)


def test_an_adapter_is_shown_with_what_lies_below_it(filled, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(filled.model)}))
    told = twofold("models", str(tmp_path), "--home", filled.home, "--json").json
    assert (told["base"], told["dim"], told["context"]) == (str(filled.model), 32, 1024)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "first").symlink_to(tmp_path)
    (tmp_path / "later" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "./first"}))
    assert twofold("models", str(tmp_path / "later"), "--home", filled.home, "--json").json["dim"] == 32


def test_an_adapter_that_names_itself_as_its_base_is_shown_without_one(filled, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path)}))
    told = twofold("models", str(tmp_path), "--home", filled.home, "--json").json
    assert (told["base"], told["dim"]) == (str(tmp_path), 0)


def test_a_model_that_is_nowhere_is_no_row_of_zeros(filled):
    by_name = twofold("models", "tiny", "--home", filled.home, "--json").json
    assert by_name["dim"] == 32 and by_name["path"] == str(filled.model)
    ran = twofold("models", "tyni", "--home", filled.home)
    assert ran.code == 1 and "no folder or file tyni" in ran.err and "are pocket, tiny;" in ran.err


@pytest.mark.parametrize("side", ["query", "document"])
def test_embed_gives_the_vectors_of_the_library_to_the_last_bit(tiny_model, side):
    from embedder import open_embedder

    texts = ["a short text", "猫坐在垫子上", "longer " * 30]
    lines = "\n\n".join(json.dumps({"id": number, "text": text}) for number, text in enumerate(texts))
    ran = twofold("embed", "--side", side, "--model", tiny_model, "--method", "mean", stdin=lines)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    embedder = open_embedder(str(tiny_model), "mean")
    expected = embedder.queries(texts) if side == "query" else embedder.documents(texts)
    assert [row["id"] for row in rows] == [0, 1, 2]
    np.testing.assert_array_equal(np.array([row["vector"] for row in rows], np.float32), expected)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "line 2"),
        ('{"id": 1}', "line 2"),
        ('{"id": 7, "text": " "}', "(id 7) has no text"),
        ("[1]", "line 2"),
    ],
)
def test_embed_names_the_line_that_is_wrong(tiny_model, line, reason):
    stdin = '{"id": 0, "text": "fine"}\n' + line + "\n"
    ran = twofold("embed", "--side", "query", "--model", tiny_model, "--method", "mean", stdin=stdin)
    assert ran.code == 1 and reason in ran.err and ran.err.count("\n") == 1


def test_inspect_shows_each_token_and_weights_that_sum_to_one(tiny_model):
    told = twofold("inspect", "a cat", "--method", "echo", "--model", tiny_model, "--json").json
    assert sum(token["weight"] for token in told["tokens"]) == pytest.approx(1.0)
    pooled = "".join(token["token"] for token in told["tokens"] if token["weight"])
    assert pooled.strip() == "a cat" and {token["part"] for token in told["tokens"]} >= {"bos", "template", "text"}


def test_inspect_tells_of_the_instruction_the_attention_and_the_cut(tiny_model):
    told = twofold("inspect", "a cat " * 600, "--method", "e5-instruct", "--side", "query", "--model", tiny_model).out
    assert "█" in told and "attention causal" in told and "the instruction is tokens" in told
    assert "characters of the text did not fit" in " ".join(told.split())


def test_eval_gives_figures_for_each_method_and_rows_for_each_query(beir, tiny_model, tmp_path):
    rows = tmp_path / "rows.jsonl"
    words = ("eval", beir, "--model", tiny_model, "--methods", "mean,last", "--rows", rows, "--json")
    told = twofold(*words).json
    assert told["dataset"] == "two" and list(told["methods"]) == ["mean", "last"]
    assert set(told["methods"]["mean"]) >= {"ndcg@10", "recall@10", "mrr@10", "queries", "seconds"}
    written = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    assert [(row["method"], row["query"]) for row in written] == [
        ("mean", "q1"),
        ("mean", "q2"),
        ("last", "q1"),
        ("last", "q2"),
    ]


def test_words_are_measured_without_a_model(beir):
    told = twofold("eval", beir, "--mode", "words", "--model", "/nowhere", "--json").json
    assert told["methods"]["words"]["ndcg@10"] == 1.0
    assert "1.000 (1.000 to 1.000)" in twofold("eval", beir, "--mode", "words").out


def test_sentence_pairs_are_measured_by_rank_correlation(tiny_model, tmp_path):
    lines = ["5.0\tthe cat sat\tthe cat sat", "2.0\tthe cat sat\tthe dog sat", "0.0\ta tax law\t猫坐在垫子上"]
    (tmp_path / "test.tsv").write_text("\n".join(lines), encoding="utf-8")
    told = twofold("eval", tmp_path, "--model", tiny_model, "--methods", "mean", "--json").json
    assert told["methods"]["mean"]["spearman"] == 1.0


def test_a_promotion_is_rolled_back_and_the_cards_tell_what_was_measured(fresh, beir):
    twofold("ingest", fresh.files, *fresh.options)
    twofold("methods", "add", "last", "--home", fresh.home)
    twofold("methods", "use", "last@tiny", "--home", fresh.home)
    assert twofold("methods", "rollback", "--home", fresh.home, "--json").json["method"] == "mean"
    told = twofold(
        "eval", beir, "--methods", "mean,last+words,words", "--home", fresh.home, "--mode", "dense", "--json"
    )
    assert list(told.json["methods"]) == ["mean", "last+words", "words"]
    assert [told.json["methods"][name]["mode"] for name in told.json["methods"]] == ["dense", "hybrid", "words"]
    assert told.json["methods"]["mean"]["cost"]["tokens"] > 0 and "mean,words" in told.json["differences"]
    assert told.json["recommendation"]["verdict"] == "tie"
    cards = {row["name"]: row for row in twofold("methods", "--home", fresh.home, "--json").json["methods"]}
    (here,) = cards["mean"]["here"]
    assert here["default"] and here["quality"][0]["dataset"] == "two" and here["cost"]["bytes"] == 64
    assert cards["echo"]["here"] == [] and cards["echo"]["pooling"] == "mean"


def test_the_collections_own_votes_are_a_test_set(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    ran = twofold("eval", "votes", "--home", fresh.home)
    assert ran.code == 1 and "vote in the arena" in ran.err
    collection = Collection.open(fresh.home)
    best = collection.search("permit", mode="words").hits[0].chunk
    collection.votes.add(Vote("who decides on a permit", "mean", "words", "right", (), (best,)))
    collection.close()
    told = twofold("eval", "votes", "--methods", "words,mean", "--home", fresh.home, "--json").json
    assert told["dataset"] == "votes" and told["methods"]["words"]["queries"] == 1


def test_compare_takes_words_and_both_and_several_models(fresh, tmp_path):
    from tests.tiny import save

    twofold("ingest", fresh.files, *fresh.options)
    other = save("qwen2", tmp_path / "second")
    twofold("methods", "add", "mean", "--home", fresh.home, "--model", other)
    asked = "mean@tiny,mean@second,words,mean@second+words"
    told = twofold("compare", "permit", "--methods", asked, "--home", fresh.home, "--json").json
    assert list(told["columns"]) == asked.split(",") and all(told["columns"].values()) and len(told["overlap"]) == 6
    assert "query" in told["seconds"]["mean@second"] and "query" not in told["seconds"]["words"]
    assert twofold("compare", "permit", "--methods", "words", "--home", fresh.home).code == 2
