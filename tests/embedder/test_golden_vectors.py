"""Vectors of tiny models of ten families equal a plain reference: one text at a time, float64, no mask of ours."""

import numpy as np
import pytest
import torch

from embedder import METHODS, build
from embedder.transformers_engine import TransformersEngine
from tests import tiny

METHOD_OF = {"causal": METHODS["echo"], "bidirectional": METHODS["gritlm"]}
LENGTHS = ("x", *tiny.TEXTS, "short one")


def reference(family, prompt, *, causal):
    """Sum of weights times states of one sequence; full attention by a mask of zeros or the family's own switch."""
    changes = {} if causal or family != "opt" else {"is_causal": False}
    model = tiny.make_model(family, attention="eager", **changes).double().base_model
    options = {}
    if not causal and family == "gpt-neo":
        model.config.is_causal = False
        for name, buffer in model.named_buffers():
            if name.endswith("attention.bias"):
                buffer.fill_(True)
    elif not causal and family != "opt":
        options = {"attention_mask": torch.zeros(1, 1, len(prompt), len(prompt), dtype=torch.float64)}
    with torch.no_grad():
        states = model(input_ids=torch.tensor([prompt.ids]), **options).last_hidden_state[0].numpy()
    vector = np.asarray(prompt.weights) @ states
    return vector / np.linalg.norm(vector)


CASES = [(family, "causal") for family in tiny.FAMILIES] + [(family, "bidirectional") for family in tiny.FLIPPED]


@pytest.mark.parametrize("attention", [None, "eager"], ids=["sdpa", "eager"])
@pytest.mark.parametrize(("family", "kind"), CASES)
def test_vectors_equal_a_plain_float64_reference(make_engine, family, kind, attention):
    engine, method = make_engine(family, attention=attention), METHOD_OF[kind]
    prompts = [build(method, "document", text, engine) for text in LENGTHS]
    wanted = [reference(family, prompt, causal=method.causal) for prompt in prompts]
    np.testing.assert_allclose(engine.vectors(prompts, causal=method.causal), wanted, atol=1e-5)


@pytest.mark.parametrize("side", ["query", "document"])
@pytest.mark.parametrize("row", sorted(METHODS))
@pytest.mark.parametrize("family", ["llama", "qwen2", "mistral-window"])
def test_every_row_equals_the_reference(make_engine, family, row, side):
    engine, method = make_engine(family), METHODS[row]
    prompts = [build(method, side, text, engine) for text in (tiny.TEXTS[0], "x")]
    wanted = [reference(family, prompt, causal=method.causal) for prompt in prompts]
    np.testing.assert_allclose(engine.vectors(prompts, causal=method.causal), wanted, atol=1e-5)


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_a_batch_of_one_equals_a_padded_batch_in_any_order(make_engine, family, kind):
    engine, method = make_engine(family), METHOD_OF[kind]
    prompts = [build(method, "query", text, engine) for text in LENGTHS]
    together = engine.vectors(prompts, causal=method.causal)
    alone = np.concatenate([engine.vectors([prompt], causal=method.causal) for prompt in prompts])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    np.testing.assert_allclose(engine.vectors(prompts[::-1], causal=method.causal)[::-1], alone, atol=2e-6)


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_bfloat16_stays_close(family, kind):
    method = METHOD_OF[kind]
    tokenizer = tiny.make_tokenizer()
    exact, rough = (
        TransformersEngine(
            tiny.make_model(family, initializer_range=0.05).to(dtype), tokenizer, name=family, revision="", context=512
        )
        for dtype in (torch.float32, torch.bfloat16)
    )
    prompts = [build(method, "document", text, exact) for text in tiny.TEXTS]
    a, b = exact.vectors(prompts, causal=method.causal), rough.vectors(prompts, causal=method.causal)
    assert (a * b).sum(1).min() > 1 - 1e-2


def test_threads_change_no_vector(make_engine):
    one, three = make_engine("llama"), make_engine("llama", threads=3)
    texts = [f"{text} {number}" for number in range(12) for text in tiny.TEXTS]
    for method in METHOD_OF.values():
        prompts = [build(method, "document", text, one) for text in texts]
        np.testing.assert_allclose(
            one.vectors(prompts, causal=method.causal), three.vectors(prompts, causal=method.causal), atol=2e-6
        )
