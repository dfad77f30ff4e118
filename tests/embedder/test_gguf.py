"""GGUF files open without llama.cpp: dequantised, they embed and write as the model they were made from."""

import json
import threading

import numpy as np
import pytest

from embedder import METHODS, Message, combine, loading, open_embedder, open_engine
from embedder.transformers_engine import TransformersEngine
from tests import tiny

gguf = pytest.importorskip("gguf", reason="GGUF files need the extra `llama`")
NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def tensors(model):
    """Names and arrays as llama.cpp keeps them; queries and keys have their rotary halves interleaved."""
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    yield "token_embd.weight", state["model.embed_tokens.weight"]
    yield "output_norm.weight", state["model.norm.weight"]
    yield "output.weight", state["lm_head.weight"]
    for layer in range(model.config.num_hidden_layers):
        for theirs, ours in NAMES.items():
            value = state[f"model.layers.{layer}.{ours}.weight"]
            heads = {"attn_q": 4, "attn_k": 2}.get(theirs)
            if heads:
                halves = value.reshape(heads, 2, value.shape[0] // heads // 2, value.shape[1])
                value = halves.swapaxes(1, 2).reshape(value.shape)
            yield f"blk.{layer}.{theirs}.weight", value


def write_gguf(path, model, tokenizer):
    """A Llama with a byte-level BPE in one file."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    words = sorted(state["vocab"], key=state["vocab"].get)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(2)
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_dimension_count(8)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word in tiny.SPECIALS else 1 for word in words])
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in state["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(tiny.CHAT)
    for name, value in tensors(model):
        writer.add_tensor(name, np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_gives_the_vectors_and_the_text_of_its_model(tmp_path):
    model, tokenizer = tiny.make_model("llama"), tiny.make_tokenizer()
    write_gguf(tmp_path / "small.gguf", model, tokenizer)
    plain = TransformersEngine(model, tokenizer, name="m", revision="", context=512)
    opened = open_embedder(str(tmp_path / "small.gguf"), "echo")
    np.testing.assert_allclose(
        opened.documents(tiny.TEXTS), combine(METHODS["echo"], plain).documents(tiny.TEXTS), atol=1e-5
    )
    ask, stop = [Message("user", "Hi")], threading.Event()
    assert list(opened.engine.stream(ask, stop=stop, max_tokens=6)) == list(plain.stream(ask, stop=stop, max_tokens=6))
    assert (opened.engine.name, opened.engine.writes) == ("small", True)


def test_without_its_reader_a_gguf_file_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "m.gguf").touch()
    with pytest.raises(ValueError, match=r"m.gguf: GGUF files need the extra `llama`"):
        open_engine(str(tmp_path / "m.gguf"))
