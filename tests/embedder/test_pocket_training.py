"""How the bundled model is made, on toy data: each stage's promise."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("zstandard", reason="the recipe's packages come with the extra `train`")

from embedder.training.pocket import corpus, layers, lessons, scenes, table, tokenizer

TEXTS = [
    "the tea garden opens at nine",
    "The tea is hot",
    "history of the tea house",
    "茶园九点开门",
    "园子的历史",
] * 20


def toy(seed: int = 0) -> tuple[dict[str, tuple[list[np.ndarray], list[np.ndarray]]], dict[str, float]]:
    draw = np.random.default_rng(seed)
    queries = [draw.integers(0, 50, 3).astype(np.int32) for _ in range(64)]
    passages = [np.concatenate([q, draw.integers(50, 60, 6)]).astype(np.int32) for q in queries]
    return {"toy": (queries, passages)}, {"toy": 1.0}


def lesson(pairs: dict[str, tuple[list[np.ndarray], list[np.ndarray]]]) -> dict[str, table.Taught]:
    vectors = np.random.default_rng(1).normal(size=(64, 16)).astype(np.float32)
    return {"toy": table.Taught(pairs["toy"][0], vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 0.1)}


def test_the_table_learns_and_a_run_repeats_itself() -> None:
    pairs, weights = toy()
    recipe = table.Recipe(steps=40, pairs=32, block=16, taught=32, rate=0.05, width=32)
    runs = []
    for _ in range(2):
        rows = table.start(np.ones(60), 32, 0)
        runs.append([met for _, met, _ in table.train(rows, pairs, weights, lesson(pairs), recipe)])
    assert runs[0] == runs[1]
    assert np.mean(runs[0][-5:]) < 0.7 * np.mean(runs[0][:5])


def test_a_lesson_of_near_pairs_asks_for_the_teachers_cosines_and_leaves_far_ones_alone() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(64, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    turned = vectors @ torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(1))).Q
    assert table.agree(3 * turned, vectors, 0.1).item() == pytest.approx(0, abs=1e-5)
    moved = vectors.clone()
    near = (vectors @ vectors.T - torch.eye(64)).argmax()
    moved[near // 64] = -moved[near // 64]  # the nearest pair of all is now the farthest
    assert table.agree(moved, vectors, 0.1) > 0.1
    assert table.agree(moved, vectors, 0.1) > table.agree(moved, vectors, 0.9)


def test_the_table_learns_how_like_two_texts_are() -> None:
    pairs, weights = toy()
    recipe = table.Recipe(steps=60, pairs=32, block=16, taught=64, rate=0.05, width=32, near=0.2, distil=4.0)
    rows = table.start(np.ones(60), 32, 0)
    told = [loss for _, _, loss in table.train(rows, pairs, weights, lesson(pairs), recipe)]
    assert np.mean(told[-5:]) < 0.7 * np.mean(told[:5])


def test_a_decoder_starts_as_its_table_and_expands_to_tokens() -> None:
    rows = table.start(np.linspace(0.3, 2, 60), 32, 0)
    pairs, _ = toy()
    model = layers.build(rows, 2)
    wanted = torch.nn.functional.normalize(table.bag(table.shown(rows), pairs["toy"][1]), dim=1)
    got = torch.nn.functional.normalize(layers.pooled(model, pairs["toy"][1], half=False), dim=1)[:, : -table.SLACK]
    torch.testing.assert_close(got, wanted, atol=2e-5, rtol=0)
    groups = np.array([5, 5, 7, 0])
    whole = layers.expand(model, groups).model.embed_tokens.weight
    assert torch.equal(whole[0], whole[1]) and torch.equal(whole[2], model.model.embed_tokens.weight[7])


def test_layers_resume_where_they_stopped(tmp_path: Path) -> None:
    pairs, weights = toy()
    recipe = layers.Recipe(steps=52, taught=16, pairs=8, block=8, warm_up=2)
    first = layers.build(table.start(np.ones(60), 32, 0), 1)
    losses = [told for _, _, told in layers.train(first, pairs, weights, lesson(pairs), recipe, tmp_path / "run.pt")]
    again = layers.build(table.start(np.ones(60), 32, 0), 1)
    rest = list(layers.train(again, pairs, weights, lesson(pairs), recipe, tmp_path / "run.pt"))
    assert [step for step, _, _ in rest] == [50, 51] and np.mean(losses[-5:]) < np.mean(losses[:5])


def test_tokens_share_a_group_across_case_space_and_script_variant() -> None:
    made = tokenizer.train(TEXTS, 400)
    forms = tokenizer.canonical(made, {"園": "园"})
    upper, lower = made.encode(" The").ids, made.encode(" the").ids
    assert [forms[i] for i in upper] == [forms[i] for i in lower] and upper != lower


def test_a_word_is_composed_of_its_characters_or_its_stem() -> None:
    forms = ["茶", "园", "茶园", "garden", "gardens", "city", "cities", "run", "running", "the"]
    assert tokenizer.parts(forms) == [
        ("茶园", "茶"), ("茶园", "园"), ("gardens", "garden"), ("cities", "city"), ("running", "run"),
    ]  # fmt: skip


def test_scenes_are_the_same_sentence_twice_and_variants_change_one_slot() -> None:
    made = list(itertools.islice(scenes.scenes(), 4000))
    assert made == list(itertools.islice(scenes.scenes(), 4000)) and len(set(made)) > 3000
    for english, chinese in made:
        assert english.isascii() and "{" not in english + chinese
        assert not any(c.isascii() and c.isalpha() for c in chinese), chinese
    first = made[:4]
    assert all(set(english.split()) & set(first[0][0].split()) for english, _ in first)


@pytest.mark.parametrize(
    ("doing", "does"),
    [
        ("riding a horse", "rides a horse"), ("running", "runs"), ("crying", "cries"), ("playing chess", "plays chess"),
        ("washing hands", "washes hands"), ("falling down", "falls down"), ("stirring soup", "stirs soup"),
    ],
)  # fmt: skip
def test_what_somebody_is_doing_is_what_somebody_does(doing: str, does: str) -> None:
    assert scenes.present(doing) == does


@pytest.mark.parametrize(
    ("lang", "texts"),
    [
        ("en", [f"the {a} cat sat on the {b} mat" for a in ("old", "new", "red") for b in ("wet", "dry", "big")]),
        ("zh", [f"这只{a}猫坐在{b}垫子上面" for a in ("老", "新", "红") for b in ("湿", "干", "大")]),
    ],
)
def test_a_changed_sentence_has_only_words_of_its_own_and_of_its_neighbour(lang: str, texts: list[str]) -> None:
    vectors = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float16)
    made = lessons.edits(texts, vectors, lang, count=9)
    known = set("".join(texts))
    assert len(made) > 20 and set(texts) <= set(made) and set("".join(made)) <= known
    assert lessons.edits(texts, vectors, lang, count=9) == made


def test_cloze_takes_a_sentence_out_and_nothing_else() -> None:
    text = "First we boil the water. Then the leaves go in. After two minutes we pour."
    for pair in corpus.cloze([text] * 20):
        assert pair.query in text and (pair.positive + " " + pair.query).split() != [] and len(pair.positive) >= 40


def test_an_evaluation_query_is_never_trained_on(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    rows = '{"query": "What is Tea?", "positive": "a drink"}\n{"query": "what is milk?", "positive": "a drink too"}\n'
    compressed = pytest.importorskip("zstandard").compress(rows.encode())
    (tmp_path / "pairs" / "toy.jsonl.zst").write_bytes(compressed)
    kept = [p.query for p in corpus.pairs(tmp_path, frozenset({corpus.fold("what is TEA")}))]
    assert kept == ["what is milk?"]


def test_every_common_chinese_character_is_one_piece() -> None:
    characters = bytes([0xB0, 0xA1, 0xC3, 0xA8, 0xD7, 0xF9]).decode("gb2312")  # the first, a cat, the last
    made = tokenizer.train(TEXTS, 40_000)
    assert [len(made.encode(character).ids) for character in characters] == [1, 1, 1]
    assert made.decode(made.encode(characters).ids) == characters


def test_a_softened_decoder_has_the_same_first_dimensions_and_shorter_last_ones() -> None:
    rows, texts = table.start(np.ones(60), 32, 0), toy()[0]["toy"][0]
    plain = layers.pooled(layers.build(rows, 1), texts, half=False)
    soft = layers.pooled(layers.softened(layers.build(rows, 1), 16, 0.5), texts, half=False)
    torch.testing.assert_close(soft[:, :16], plain[:, :16])
    torch.testing.assert_close(soft[:, 16:], plain[:, 16:] / 2)
