"""Whole runs on a tiny model: the curve after a kill, memory that runs out, folders that open as models."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("peft", reason="training comes with the extra `train`")
pytest.importorskip("accelerate", reason="training comes with the extra `train`")

from embedder import Message, open_embedder, open_engine, read_card
from embedder.training import loop as loops
from embedder.training.authors import Resident
from embedder.training.data import Data, Pair
from embedder.training.dev import Dev
from embedder.training.journal import read_journal
from embedder.training.loop import Stopped
from embedder.training.recipes import find_recipe
from embedder.training.run import train
from embedder.training.work import Options, Work
from tests import tiny

PAIRS = [Pair(f"question {n} {'abc'[n % 3]}", f"answer {n} {'abc'[n % 3] * 4}", (f"wrong {n}",)) for n in range(64)]
OPTIONS = Options(steps=6, batch=8, every=2, tokens=24, micro=64)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.save("llama", tmp_path_factory.mktemp("models") / "base")


def work(base, out, recipe="e5", options=OPTIONS, **more):
    texts = [f"{pair.query} and {pair.positive}" for pair in PAIRS]
    return Work(find_recipe(recipe), str(base), Data({"set": list(PAIRS)}, texts), out, options, **more)


def losses(out):
    return [(row["stage"], row["step"], row["loss"], row["score"]) for row in read_journal(out / "log.jsonl")]


def written(model):
    engine = open_engine(str(model))
    ids = engine.conversation([Message("user", "hello there")])
    return "".join(engine.continue_ids(ids, stop=threading.Event(), max_tokens=12))


@pytest.mark.parametrize("recipe", ["simcse", "cpt"])
def test_a_run_that_was_killed_goes_on_to_the_same_curve(base, tmp_path, recipe):
    """SimCSE's dropout and cpt's learnt temperature too."""
    whole = train(work(base, tmp_path / "whole", recipe))

    def killed(step):
        if step.step == 5:
            raise KeyboardInterrupt

    for out, how in ((tmp_path / "cut", {"tell": killed}),):
        with pytest.raises(KeyboardInterrupt):
            train(work(base, out, recipe, **how))
        assert len(losses(out)) == 5
        train(work(base, out, recipe))
        assert losses(out) == losses(whole)
        assert not (out / "checkpoints").exists()


def test_stopping_keeps_what_was_done_and_another_run_may_not_take_the_folder(base, tmp_path):
    stop = threading.Event()
    out = tmp_path / "out"
    with pytest.raises(Stopped, match="step 3 of 6"):
        train(work(base, out, stop=stop, tell=lambda step: stop.set() if step.step == 3 else None))
    with pytest.raises(ValueError, match="another options"):
        train(work(base, out, options=replace(OPTIONS, seed=1)))
    train(work(base, out))
    assert [step for _, step, *_ in losses(out)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="finished model"):
        train(work(base, out))


def test_memory_that_runs_out_halves_the_micro_batch_and_changes_no_loss(base, tmp_path, monkeypatch):
    train(work(base, tmp_path / "roomy"))
    real = loops.Student.states

    def poor(self, ids, mask):
        if torch.is_grad_enabled() and len(ids) > 2:
            raise torch.OutOfMemoryError("no memory left")
        return real(self, ids, mask)

    monkeypatch.setattr(loops.Student, "states", poor)
    rows = []
    train(work(base, tmp_path / "poor", tell=rows.append))
    assert rows[0].micro <= 2
    got, wanted = ([row[2] for row in losses(tmp_path / name)] for name in ("poor", "roomy"))
    np.testing.assert_allclose(got, wanted, rtol=1e-3)


def test_an_adapter_opens_as_a_model_with_its_method_and_the_base_writes_as_before(base, tmp_path):
    out = train(work(base, tmp_path / "e5-mine"))  # a name like a published encoder's
    card = read_card(str(out))
    assert open_engine(str(out)).writes
    assert card.method == "e5-instruct" and card.writes and "Wang" in card.text and "question" not in card.text
    adapted = open_embedder(str(out))
    assert not adapted.untrained
    plain = open_embedder(str(base), "e5-instruct")
    assert not np.allclose(adapted.queries(["which one"]), plain.queries(["which one"]), atol=1e-4)
    assert written(out) == written(base)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(adapted.engine.model(ids).logits, plain.engine.model(ids).logits)
    assert "<svg" in (out / "training.svg").read_text("utf-8")
    told = json.loads((out / "training.json").read_text("utf-8"))
    assert told["stages"][0]["steps"] == 6 and told["base"] == str(base)


def test_llm2vec_stacks_its_stages_and_the_folder_can_be_moved(base, tmp_path):
    out = train(work(base, tmp_path / "out", "llm2vec", replace(OPTIONS, steps=3, every=3)))
    assert (out / "mntp" / "adapter_config.json").is_file()
    first = open_embedder(str(out))
    assert first.method.name == "llm2vec" and not first.method.causal
    vectors = first.documents(["a text to embed"])
    moved = out.rename(tmp_path / "moved")
    np.testing.assert_array_equal(open_embedder(str(moved)).documents(["a text to embed"]), vectors)
    (moved / "mntp" / "adapter_config.json").rename(moved / "mntp" / "gone")
    with pytest.raises(ValueError, match=r"config\.json"):
        open_embedder(str(moved))


def test_an_adapter_is_refused_on_other_weights_than_it_was_trained_on(tmp_path):
    """Also one that was trained on another adapter: what lies at the bottom counts."""
    base = tiny.save("llama", tmp_path / "base")
    out = train(work(base, tmp_path / "out", options=replace(OPTIONS, steps=1)))
    upper = train(work(out, tmp_path / "upper", options=replace(OPTIONS, steps=1)))
    assert read_card(str(upper)).base_weights.startswith(read_card(str(out)).base_weights + "+")
    (base / "twofold.json").write_text('{"limit": 64}', encoding="utf-8")  # another card is no other model
    assert len(open_embedder(str(upper)).queries(["which one"])) == 1
    tiny.save("llama", base, seed=1)
    for folder in (out, upper):
        with pytest.raises(ValueError, match=r"trained on other weights of .*base .*train it again"):
            open_embedder(str(folder))


@pytest.mark.parametrize(("recipe", "changed"), [("sgpt", "bias"), ("udever", "bias")])
def test_bitfit_moves_biases_and_new_tokens_only(base, tmp_path, recipe, changed):
    out = train(work(base, tmp_path / recipe, recipe, replace(OPTIONS, steps=3, every=3)))
    before, after = (open_engine(str(one)).model.state_dict() for one in (base, out))
    moved = {name for name, weight in before.items() if weight.shape == after[name].shape}
    moved = {name for name in moved if not torch.equal(before[name], after[name])}
    assert not {name for name in moved if changed not in name and "embed" not in name and "lm_head" not in name}
    grown = {name for name in after if name not in before}
    assert grown and all(name.endswith(changed) for name in grown)
    assert any(after[name].abs().sum() > 0 for name in grown)
    card = read_card(str(out))
    assert not card.writes and open_embedder(str(out)).method.name == card.method


def test_it_stops_where_scores_bring_nothing_and_keeps_the_best_weights(base, tmp_path):
    scores = iter([0.1, 0.5, 0.9, 0.2, 0.3, 0.1, 0.1, 0.1])
    seen = []

    def score(embedder):
        seen.append(embedder.queries(["which one"])[0])
        return next(scores)

    options = replace(OPTIONS, steps=20, every=1, patience=2)
    out = train(work(base, tmp_path / "out", options=options, dev=Dev("made up", score)))
    assert len(losses(out)) == 4  # 0.5, 0.9, then two that are no better
    np.testing.assert_allclose(open_embedder(str(out)).queries(["which one"])[0], seen[2], atol=1e-5)


def test_the_best_demonstration_is_found_and_kept_on_the_card(base, tmp_path):
    data = Data({"words": [Pair("A man sings.", "Music"), Pair("A cat sits.", "Cat"), Pair("It rains.", "Rain")]})
    dev = Dev("likes cats", lambda embedder: float("Cat" in embedder.method.query))
    out = train(Work(find_recipe("prompteol-icl"), str(base), data, tmp_path / "out", dev=dev))
    found = open_embedder(str(out))
    assert '"A cat sits." means in one word:"Cat"' in found.method.query and not found.untrained


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: bfloat16 and checkpointing are for one")
def test_a_gpu_trains_in_bfloat16_with_checkpointing(base, tmp_path):
    options = replace(OPTIONS, device="cuda", checkpointing=True)
    out = train(work(base, tmp_path / "out", options=options))
    assert all(np.isfinite(loss) for _, _, loss, _ in losses(out))
    assert open_embedder(str(out), device="cuda").queries(["which one"]).shape == (1, 32)


def test_checkpointing_changes_no_loss(base, tmp_path):
    train(work(base, tmp_path / "plain", options=replace(OPTIONS, steps=2)))
    train(work(base, tmp_path / "kept", options=replace(OPTIONS, steps=2, checkpointing=True)))
    got, wanted = ([row[2] for row in losses(tmp_path / name)] for name in ("kept", "plain"))
    np.testing.assert_allclose(got, wanted, rtol=1e-4)


@pytest.mark.parametrize("recipe", ["prompteol", "repllama", "gtr", "echo", "gritlm"])
def test_every_other_recipe_makes_a_model_with_its_method(base, tmp_path, recipe):
    options = replace(OPTIONS, steps=1, every=1, batch=4, tokens=12)
    rows = []
    out = train(work(base, tmp_path / "out", recipe, options, tell=rows.append))
    found = open_embedder(str(out))
    assert found.method.name == find_recipe(recipe).method and not found.untrained
    assert np.isfinite(rows[0].loss) and read_card(str(out)).writes == (recipe != "gtr")


def test_the_resident_model_draws_by_the_seed(base):
    author = Resident(open_engine(str(base)))
    one, again, other = (author.write("Think of tasks.", seed=seed, max_tokens=12) for seed in (1, 1, 2))
    assert one == again != other
