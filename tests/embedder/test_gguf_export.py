"""A model folder becomes one file that any llama.cpp reads, or is refused because something would be lost."""

import numpy as np
import pytest

from embedder import METHODS, Card, combine, open_engine, read_card
from embedder.gguf_export import export_gguf
from embedder.gguf_header import read_header
from tests import tiny
from tests.embedder.llama_kit import gguf, write

DYNAMIC = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}


def test_quantized_files_are_smaller_and_nearly_the_same(tmp_path):
    wide = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}
    folder = tiny.save("llama", tmp_path / "m", **wide)
    theirs = combine(METHODS["mean"], open_engine(str(folder))).documents(tiny.TEXTS)
    sizes = {}
    for kind, near in (("f32", 0.9999), ("bf16", 0.99), ("f16", 0.999), ("q8_0", 0.99), ("q4_k_m", 0.8)):
        file = export_gguf(str(folder), tmp_path / f"{kind}.gguf", kind)
        engine = open_engine(str(file))
        assert (combine(METHODS["mean"], engine).documents(tiny.TEXTS) * theirs).sum(1).min() > near
        engine.close()
        sizes[kind] = file.stat().st_size
    assert sizes["f32"] > sizes["f16"] > sizes["q8_0"]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["m"], "no temporary files are left"


def test_the_card_and_the_readme_ride_along(tmp_path):
    folder = tiny.save("qwen3", tmp_path / "m")
    (folder / "twofold.json").write_text('{"method": "gritlm", "instruction": "Find it", "dimensions": [32, 16]}')
    (folder / "README.md").write_text("# Ours\n猫")
    file = export_gguf(str(folder), tmp_path / "ours.gguf")
    assert (
        read_card(str(file))
        == read_card(str(folder))
        == Card("gritlm", "Find it", dimensions=(32, 16), text="# Ours\n猫")
    )
    assert read_header(file).get("general.name") == "ours"


def test_rotary_positions_that_reach_further_come_along(tmp_path):
    far = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    rope = {"rope_parameters": far | {"original_max_position_embeddings": 64}}
    folder = tiny.save("llama", tmp_path / "m", **rope)
    ours, theirs = open_engine(str(export_gguf(str(folder), tmp_path / "m.gguf", "f32"))), open_engine(str(folder))
    texts = ["The cat sat on the mat, and the dog slept beside it all afternoon. " * 4]
    rows = [combine(METHODS["mean"], engine).documents(texts) for engine in (ours, theirs)]
    np.testing.assert_allclose(*rows, atol=2e-3)
    ours.close()


def test_a_window_shortens_the_context_to_what_is_the_same(tmp_path):
    file = write(tmp_path, "mistral", sliding_window=64)
    assert read_header(file).get("{arch}.context_length") == 64


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("gpt2", {}, "is of the type gpt2; llama, mistral, qwen2, qwen3 can be written as GGUF"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
            "of the type dynamic",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_refused(tmp_path, family, changes, reason):
    folder = tiny.save(family, tmp_path / "m", **changes)
    with pytest.raises(ValueError, match=reason):
        export_gguf(str(folder), tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def test_a_tokenizer_that_llama_cpp_has_no_name_for_is_refused(tmp_path):
    from tokenizers.pre_tokenizers import ByteLevel, Punctuation, Sequence

    folder = tiny.save("llama", tmp_path / "m")
    tokenizer = tiny.make_tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence([Punctuation(), ByteLevel(add_prefix_space=False)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"cuts words in a way that is not known to be in llama.cpp"):
        export_gguf(str(folder), tmp_path / "out.gguf")


def test_a_name_or_a_format_that_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has to end in .gguf"):
        export_gguf("pocket", tmp_path / "out.bin")
    with pytest.raises(ValueError, match="'q2' is not one of f32, bf16, f16, q8_0, q4_k_m"):
        export_gguf("pocket", tmp_path / "out.gguf", "q2")


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft, about transformers
def test_an_adapter_is_written_merged_with_its_base(tmp_path):
    from peft import LoraConfig, get_peft_model

    base = tiny.save("llama", tmp_path / "base")
    model = get_peft_model(tiny.make_model("llama"), LoraConfig(target_modules=["q_proj"], init_lora_weights=False))
    model.peft_config["default"].base_model_name_or_path = str(base)
    model.save_pretrained(tmp_path / "adapter")
    file = export_gguf(str(tmp_path / "adapter"), tmp_path / "both.gguf", "f32")
    both, alone = open_engine(str(file)), open_engine(str(base))
    theirs = combine(METHODS["mean"], open_engine(str(tmp_path / "adapter"))).documents(tiny.TEXTS)
    np.testing.assert_allclose(combine(METHODS["mean"], both).documents(tiny.TEXTS), theirs, atol=2e-3)
    assert np.abs(combine(METHODS["mean"], alone).documents(tiny.TEXTS) - theirs).max() > 0.01
    both.close()


def test_the_file_is_read_by_the_formats_own_reader(tmp_path):
    reader = gguf.GGUFReader(write(tmp_path, "qwen2", "f16"))
    assert reader.fields["general.architecture"].contents() == "qwen2"
    assert {tensor.tensor_type.name for tensor in reader.tensors} == {"F16", "F32"}
