"""Losses against numbers worked out by hand and against sentence-transformers; masked labels by construction."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("peft", reason="training comes with the extra `train`")
pytest.importorskip("sentence_transformers", reason="training comes with the extra `train`")

from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from embedder import find_method
from embedder.card import Card
from embedder.embedder import combine
from embedder.training import batches, mntp
from embedder.training.data import Data, Pair, Reply
from embedder.training.losses import objective
from embedder.training.recipe import Stage
from embedder.training.recipes import RECIPES
from embedder.training.student import Student, model_of
from embedder.training.trainable import prepare
from embedder.transformers_engine import TransformersEngine
from tests import tiny

PAIRS = [Pair(f"question {n}", f"answer {n} {'xyz'[n % 3]}", (f"wrong {n}",)) for n in range(6)]
STAGE = Stage("s", "contrast", "all", rate=1e-3, batch=6, temperature=0.05, negatives=1)


def fresh(family="llama", **changes):
    model = tiny.make_model(family, **changes)
    return TransformersEngine(model, tiny.make_tokenizer(), name=family, revision="0", context=512, threads=1)


def pupil(stage, method="mean", engine=None):
    engine = engine or fresh()
    prepare(engine, stage)
    return Student(combine(find_method(method), engine, Card()), {"query": 64, "document": 64})


def batch_of(student, stage, replies=()):
    planned = batches.contrast(student, Data({"set": PAIRS}), stage, seed=0, replies=replies)
    return planned.collate([planned.rows[n] for n in planned.plan[0]])


def vectors(student, batch):
    return [student(dict(column))["sentence_embedding"] for column in batch["columns"]]


def by_hand(queries, documents, temperature):
    rows = []
    for n, query in enumerate(queries):
        scores = [float(query @ document) / temperature for document in documents]
        rows.append(-scores[n] + math.log(sum(math.exp(score) for score in scores)))
    return sum(rows) / len(rows)


@pytest.mark.parametrize("micro", [100, 4, 1])
def test_info_nce_is_what_one_works_out_by_hand_however_it_is_cut(micro):
    student = pupil(STAGE)
    batch = batch_of(student, STAGE)
    q, p, n = (v.detach() for v in vectors(student, batch))
    loss = objective(student, STAGE, micro)(batch)
    assert loss.item() == pytest.approx(by_hand(q, torch.cat([p, n]), 0.05), abs=1e-4)


def test_the_symmetric_loss_is_the_mean_of_rows_and_columns():
    stage = replace(STAGE, symmetric=True)
    student = pupil(stage)
    batch = batch_of(student, stage)
    q, p, n = (v.detach() for v in vectors(student, batch))
    wanted = (by_hand(q, torch.cat([p, n]), 0.05) + by_hand(p, q, 0.05)) / 2
    assert objective(student, stage, 3)(batch).item() == pytest.approx(wanted, abs=1e-4)


def test_gradients_are_those_of_sentence_transformers_with_and_without_a_cache():
    found = []
    for micro in (100, 2):
        student = pupil(STAGE)
        batch = batch_of(student, STAGE)
        objective(student, STAGE, micro)(batch).backward()
        found.append({name: weight.grad for name, weight in student.trained().items()})
    plain = pupil(STAGE)
    batch = batch_of(plain, STAGE)
    MultipleNegativesRankingLoss(model_of(plain), scale=20.0)([dict(c) for c in batch["columns"]], None).backward()
    for name, weight in plain.trained().items():
        for other in found if weight.grad is not None else ():  # the head has none: nothing is written
            torch.testing.assert_close(other[name], weight.grad, atol=1e-5, rtol=1e-4)


def test_a_learnt_temperature_has_a_gradient_and_starts_where_the_row_says():
    stage = replace(STAGE, learnt_temperature=True, symmetric=True, temperature=0.07)
    student = pupil(stage)
    loss = objective(student, stage, 2)
    batch = batch_of(student, stage)
    assert loss.temperature == pytest.approx(0.07)
    q, p, n = (v.detach() for v in vectors(student, batch))
    t = torch.tensor(math.log(1 / 0.07), requires_grad=True)
    both = [torch.cat([p, n]), p]
    a = torch.nn.functional.cross_entropy(q @ both[0].T * t.exp(), torch.arange(6))
    b = torch.nn.functional.cross_entropy(p @ q.T * t.exp(), torch.arange(6))
    ((a + b) / 2).backward()
    loss(batch).backward()
    assert loss.info_nce.tau.grad.item() == pytest.approx(t.grad.item(), rel=1e-3)


def test_the_joint_loss_is_both_losses_weighed_and_writing_looks_one_way():
    stage = replace(STAGE, objective="joint", generate_weight=0.5, generate_share=0.5)
    student = pupil(stage, "gritlm")
    batch = batch_of(student, stage, [Reply("the reply", "a prompt"), Reply("another one")])
    loss = objective(student, stage, 2)
    ids, labels = batch["replies"]["input_ids"], batch["replies"]["labels"]
    logp = torch.log_softmax(student.backbone(input_ids=ids).logits[:, :-1].float(), -1)
    wanted = labels[:, 1:]
    told = logp.gather(-1, wanted.clamp(min=0)[..., None])[..., 0][wanted != -100]
    written = -float(told.detach().mean())
    assert loss(batch).item() == pytest.approx(loss.contrast(batch).item() + 0.5 * written, abs=1e-4)
    row = batches.written(student, [Reply("the reply", "a prompt")], 64)
    prompt = row["labels"][0] == -100
    shown = student.embedder.engine.decode(row["input_ids"][0][~prompt].tolist())
    assert shown == "the reply</s>" and prompt.sum() > 5


def test_what_is_hidden_is_labelled_at_its_own_place_and_read_from_the_one_before():
    engine = fresh()
    student = pupil(replace(STAGE, objective="mntp"), "llm2vec-plain", engine)
    ids = engine.special("bos") + engine.encode("the cat sat on the mat")
    labels = [-100] * len(ids)
    labels[3] = ids[3]
    shown = [*ids[:3], mntp.mask_token(engine), *ids[4:]]
    batch = {"input_ids": torch.tensor([shown]), "labels": torch.tensor([labels])}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    states = student.states(batch["input_ids"], batch["attention_mask"])
    logp = torch.log_softmax(student.head(states[0, 2]), -1)
    assert mntp.masked_loss(student, batch, 1).item() == pytest.approx(-logp[ids[3]].item(), abs=1e-5)
    later = batch["input_ids"].clone()
    later[0, -1] = ids[1]
    moved = student.states(later, batch["attention_mask"])
    assert not torch.allclose(moved[0, 2], states[0, 2])  # the twin looks both ways


@pytest.mark.parametrize("rule", [mntp.BERT, mntp.CORRUPTIONS["mistral"]], ids=["bert", "mistral"])
def test_a_corrupted_text_differs_only_where_it_has_a_label(rule):
    ids = np.random.default_rng(0).integers(5, 300, 4000).tolist()
    shown, labels = mntp.corrupt(ids, rule, 3, 400, np.random.default_rng(1))
    hidden = [n for n, label in enumerate(labels) if label != mntp.NOTHING]
    assert all(labels[n] == ids[n] for n in hidden)
    assert all(shown[n] == ids[n] for n in range(len(ids)) if n not in set(hidden))
    assert labels[0] == mntp.NOTHING and len(hidden) / len(ids) == pytest.approx(rule.share, abs=0.03)
    masked = sum(shown[n] == 3 for n in hidden) / len(hidden)
    assert masked == pytest.approx(rule.masked, abs=0.03)


def test_the_rule_and_the_mask_token_follow_the_model():
    assert mntp.corruption_of("mistral").share == 0.8 and mntp.corruption_of("llama") == mntp.BERT
    assert fresh().decode([mntp.mask_token(fresh())]) == "_"


WANTED = {
    "lora": lambda name: ".lora_" in name,
    "bitfit": lambda name: name.endswith("bias"),
    "tokens+bitfit": lambda name: name.endswith("bias") or "embed" in name or "wte" in name,
    "all": lambda name: True,
}


@pytest.mark.parametrize("trains", list(WANTED))
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2"])
def test_gradients_reach_exactly_what_the_row_says(family, trains):
    engine = fresh(family)
    stage = replace(STAGE, trains=trains, name="s")
    student = pupil(stage, engine=engine)
    objective(student, stage, 4)(batch_of(student, stage)).backward()
    every = {**dict(student.backbone.named_parameters()), **dict(student.body.named_parameters())}
    reached = {name for name, weight in every.items() if weight.grad is not None and weight.grad.abs().sum() > 0}
    body = {name for name in reached if not name.startswith("lm_head")}
    assert body and all(WANTED[trains](name) for name in body)
    assert all(weight.requires_grad == WANTED[trains](name) for name, weight in every.items())


def test_a_skipped_layer_has_no_adapter_and_only_new_tokens_learn():
    stage = replace(STAGE, trains="lora", skipped=("k_proj",), name="s")
    student = pupil(stage)
    assert any("q_proj.lora" in name for name in student.trained())
    assert not any("k_proj.lora" in name for name in student.trained())
    stage = RECIPES["udever"].stages[0]
    engine = fresh()
    student = pupil(replace(stage, batch=6), "udever", engine)
    objective(student, stage, 8)(batch_of(student, replace(stage, batch=6))).backward()
    grad = engine.model.get_input_embeddings().weight.grad
    rows = set(grad.abs().sum(1).nonzero().flatten().tolist())
    assert rows == {engine.special(role)[0] for role in ("boq", "eoq", "bod", "eod")}


def test_biases_that_a_llama_has_no_weights_for_begin_at_zero():
    engine, before = fresh(), fresh()
    prepare(engine, replace(STAGE, trains="bitfit"))
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(engine.model(ids).logits, before.model(ids).logits)
    assert engine.model.config.attention_bias and engine.model.config.mlp_bias
    with pytest.raises(ValueError, match="no biases"):
        prepare(fresh("gemma"), replace(STAGE, trains="bitfit"))


def test_an_adapter_on_a_copy_leaves_the_writer_bit_for_bit():
    engine, before = fresh(), fresh()
    student = pupil(replace(STAGE, trains="lora", name="s"), engine=engine)
    with torch.no_grad():
        for weight in student.trained().values():
            weight.add_(0.3)
    ids = torch.tensor([[5, 6, 7, 8]])
    assert torch.equal(engine.model(ids).logits, before.model(ids).logits)
    prompt = student.embedder.prompts("document", ["the cat sat"])
    plain = combine(find_method("mean"), before, Card())
    assert not np.allclose(student.embedder.vectors(prompt), plain.vectors(prompt), atol=1e-3)
