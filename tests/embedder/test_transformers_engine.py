"""The engine on transformers: attention as meant, weights shared, files safe, order kept."""

import shutil
import threading

import numpy as np
import pytest
import torch

from embedder import METHODS, build, open_embedder, open_engine
from embedder.batching import batches
from embedder.prompt import Prompt
from tests import tiny


def first(ids):
    return Prompt(tuple(ids), (1.0, *(0.0,) * (len(ids) - 1)))


@pytest.mark.parametrize("family", tiny.FLIPPED)
@pytest.mark.parametrize("others", [0, 1], ids=["alone", "padded"])
def test_a_later_token_is_seen_only_in_both_directions(make_engine, family, others):
    engine = make_engine(family)
    ids = list(range(20, 40))
    more = [first(ids * 2)] * others
    for causal in (True, False):
        moved = np.abs(
            engine.vectors([first(ids), *more], causal=causal)[0]
            - engine.vectors([first([*ids[:-1], 50]), *more], causal=causal)[0]
        ).max()
        assert (moved < 1e-6) if causal else (moved > 1e-5)


def test_the_twin_shares_every_weight_and_leaves_the_writer_causal(make_engine):
    engine = make_engine("qwen3")
    engine.vectors([first(range(20, 30))], causal=False)
    ours = {parameter.data_ptr() for parameter in engine._model.base_model.parameters()}
    assert {parameter.data_ptr() for parameter in engine._twin.parameters()} == ours
    assert getattr(engine._model.config, "is_causal", None) is not False


def test_both_directions_at_once_are_both_right(make_engine):
    engine = make_engine("llama")
    prompts = [build(METHODS["mean"], "document", text, engine) for text in tiny.TEXTS]
    wanted = {causal: engine.vectors(prompts, causal=causal) for causal in (True, False)}
    wrong: list[bool] = []

    def run(causal: bool) -> None:
        for _ in range(20):
            same = np.allclose(engine.vectors(prompts, causal=causal), wanted[causal], atol=1e-5)
            wrong.extend([] if same else [causal])

    threads = [threading.Thread(target=run, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_alibi_is_refused_in_both_directions_with_the_reason(make_engine):
    with pytest.raises(ValueError, match="ALiBi"):
        open_embedder("bloom", "gritlm", engine=make_engine("bloom"))
    open_embedder("bloom", "echo", engine=make_engine("bloom"))


def test_no_logits_are_computed_for_vectors(make_engine, monkeypatch):
    engine = make_engine("llama")
    monkeypatch.setattr(engine._model.lm_head, "forward", None)  # calling it would fail
    engine.vectors([first(range(20, 30))], causal=True)


def test_a_prompt_longer_than_the_context_is_refused_not_cut(make_engine):
    with pytest.raises(ValueError, match="513 tokens does not fit the context of 512"):
        make_engine("llama").vectors([first([20] * 513)], causal=True)


def test_no_prompts_give_no_rows(make_engine):
    assert make_engine("llama").vectors([], causal=True).shape == (0, 32)


def test_batches_keep_to_the_budget_and_hold_every_prompt_once():
    lengths = [5, 300, 12, 12, 7, 900, 40, 1]
    groups = batches(lengths, 512)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= 512


def test_every_worker_gets_a_batch_where_there_are_prompts_enough():
    assert len(batches([10] * 8, 10_000, parts=4)) == 4


def test_out_of_memory_halves_the_batch(make_engine, monkeypatch):
    engine = make_engine("llama")
    real, prompts = engine._forward, [first(range(20, 20 + n)) for n in (4, 5, 6, 7)]
    wanted = engine.vectors(prompts, causal=True)

    def tight(batch, causal):
        if len(batch) > 1:
            raise torch.OutOfMemoryError
        return real(batch, causal)

    monkeypatch.setattr(engine, "_forward", tight)
    np.testing.assert_allclose(engine.vectors(prompts, causal=True), wanted, atol=1e-6)


def test_a_folder_opens_pinned_and_a_changed_weight_is_another_revision(tmp_path):
    folder = tiny.save("llama", tmp_path / "m")
    before = open_engine(str(folder))
    assert (before.name, before.dim, before.context, before.dtype, before.device) == ("m", 32, 512, "float32", "cpu")
    moved = shutil.move(str(folder), str(tmp_path / "elsewhere" / "m"))
    assert open_engine(str(moved)).revision == before.revision
    tiny.save("llama", tmp_path / "m", seed=1)
    assert open_engine(str(folder)).revision != before.revision


def test_a_model_saved_as_an_encoder_still_writes_causally(tmp_path):
    engine = open_engine(str(tiny.save("llama", tmp_path / "m", is_causal=False)))
    open_embedder("m", "echo", engine=engine)
    open_embedder("m", "gritlm", engine=engine)


def test_pickled_weights_are_not_read(tmp_path):
    folder = tiny.save("llama", tmp_path / "m")
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no safetensors; pickled weights \(pytorch_model.bin\) can run code"):
        open_engine(str(folder))


def test_a_model_that_needs_its_own_code_is_refused(tmp_path):
    folder = tiny.save("llama", tmp_path / "m")
    code = '{"model_type": "strange", "auto_map": {"AutoConfig": "c.C", "AutoModelForCausalLM": "m.M"}}'
    (folder / "config.json").write_text(code)
    with pytest.raises(ValueError, match="its own code, which is not run here"):
        open_engine(str(folder))


@pytest.mark.parametrize(("model", "reason"), [("nowhere/at-all", "cannot open"), ("no/such.gguf", "no file")])
def test_a_model_that_cannot_be_had_says_so_in_one_line(model, reason):
    with pytest.raises(ValueError, match=reason) as error:
        open_engine(model)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"no config.json"):
        open_engine(str(tmp_path))


def test_an_unknown_number_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'int3' is not one of auto, float32"):
        open_engine(str(tiny.save("llama", tmp_path / "m")), dtype="int3")


def test_closing_gives_the_model_back(tmp_path):
    engine = open_engine(str(tiny.save("llama", tmp_path / "m")))
    engine.close()
    assert engine._model is None
