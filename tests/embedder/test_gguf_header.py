"""A file that llama.cpp would abort on, or silently get wrong, is refused before: with the reason and a way out."""

import struct

import numpy as np
import pytest

from embedder import open_engine, read_card
from embedder.gguf_header import read_array, read_header
from embedder.gguf_source import find
from tests import tiny
from tests.embedder.llama_kit import changed, lora, write


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write(tmp_path_factory.mktemp("gguf"))


def setting(**values):
    """A change of metadata; None takes a key away. Dots in names are written as two underscores."""

    def change(known, _):
        for key, value in values.items():
            name = key.replace("__", ".")
            if value is None:
                known.pop(name)
            else:
                known[name] = (value, *known[name][1:])

    return change


def test_a_header_says_what_the_file_holds(good):
    header = read_header(good)
    assert (header.architecture, header.get("{arch}.block_count")) == ("llama", 2)
    assert header.tensors["token_embd.weight"] == (32, 400)
    assert read_array(header, "tokenizer.ggml.tokens")[1:3] == ["<s>", "</s>"]
    assert read_array(header, "tokenizer.ggml.token_type")[:3] == [3, 3, 3]
    assert read_array(header, "nothing") == []
    assert find(good).number_format == "float32"


def test_a_file_cut_anywhere_is_refused(good, tmp_path):
    data = good.read_bytes()
    cut = tmp_path / "cut.gguf"
    for size in (4, 10, 23, 100, 3000, len(data) // 2, len(data) - 100):
        cut.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"cut.gguf is cut short or damaged"):
            open_engine(str(cut))


@pytest.mark.parametrize(
    ("bytes_", "reason"),
    [
        (b"", "is no GGUF file"),
        (b"PK\x03\x04 a zip", "is no GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "of version 1; versions 2 and 3 are read"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**40, 1), "it claims"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**60), "it has a string of"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<I", 77),
            "unknown kind 77",
        ),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "names no architecture"),
    ],
)
def test_what_is_no_gguf_or_lies_about_itself_is_refused(tmp_path, bytes_, reason):
    file = tmp_path / "odd.gguf"
    file.write_bytes(bytes_)
    with pytest.raises(ValueError, match=reason):
        open_engine(str(file))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"general__architecture": "hal9000"}, "does not say its block_count"),
        ({"general__architecture": "bert"}, "is no decoder"),
        ({"llama__block_count": None}, "does not say its block_count"),
        ({"llama__attention__head_count": 0}, "does not say its attention.head_count"),
        ({"llama__attention__head_count_kv": 3}, "4 heads over 3"),
        ({"llama__rope__dimension_count": 6}, "heads of 8 with 6 of them rotated"),
        ({"llama__embedding_length": 64}, "its embeddings are 32x400, for 400 tokens of width 64"),
        ({"tokenizer__ggml__model": "bert"}, "its tokenizer is of the kind 'bert'"),
        ({"tokenizer__ggml__eos_token_id": 400}, "its eos token is 400, of 400 tokens"),
        ({"tokenizer__ggml__token_type": [1] * 399}, "it has 400 tokens and 399 token_type"),
        ({"llama__block_count": 5}, "it says 5 layers of no experts and holds 2"),
        ({"llama__block_count": 2**30}, "and holds 2 layers"),
    ],
)
def test_metadata_that_does_not_fit_is_told(good, tmp_path, values, reason):
    odd = changed(good, tmp_path / "odd.gguf", setting(**values))
    with pytest.raises(ValueError, match=reason) as error:
        open_engine(str(odd))
    assert "odd.gguf" in str(error.value) and "\n" not in str(error.value)


def test_an_architecture_llama_cpp_does_not_know_is_named(good, tmp_path):
    def rename(known, _):
        known["general.architecture"] = ("hal9000", *known["general.architecture"][1:])
        for key in [key for key in known if key.startswith("llama.")]:
            known["hal9000" + key.removeprefix("llama")] = known.pop(key)

    with pytest.raises(ValueError, match=r"llama.cpp cannot open odd.gguf: .*unknown model architecture: 'hal9000'"):
        open_engine(str(changed(good, tmp_path / "odd.gguf", rename)))


def test_weights_that_are_no_numbers_are_refused(good, tmp_path):
    def spoil(_, tensors):
        tensors["blk.0.ffn_up.weight"][3, 3] = np.nan

    with pytest.raises(ValueError, match=r"llama.cpp cannot open odd.gguf: .*invalid"):
        open_engine(str(changed(good, tmp_path / "odd.gguf", spoil)))


def test_a_vocabulary_without_weights_is_no_model(good, tmp_path):
    with pytest.raises(ValueError, match="has a vocabulary and no weights"):
        open_engine(str(changed(good, tmp_path / "odd.gguf", lambda _, tensors: tensors.clear())))


def test_without_an_end_token_methods_that_pool_it_and_writing_are_refused_and_others_work(good, tmp_path):
    import threading

    from embedder import METHODS, combine

    nothing = setting(tokenizer__ggml__eos_token_id=None, tokenizer__chat_template=None)
    engine = open_engine(str(changed(good, tmp_path / "odd.gguf", nothing)))
    with pytest.raises(ValueError, match="odd has no end token; pick a method without"):
        combine(METHODS["e5-instruct"], engine)
    with pytest.raises(ValueError, match="odd names no end token, so its writing would never end"):
        engine.complete("The cat", stop=threading.Event(), max_tokens=3)
    with pytest.raises(ValueError, match="odd has no chat template"):
        engine.special("user")
    assert combine(METHODS["echo"], engine).documents(tiny.TEXTS).shape == (4, 32)
    engine.close()


def test_an_adapter_without_its_base_or_of_another_kind_is_told(good, tmp_path):
    alone = lora(tmp_path / "tuned.gguf")
    with pytest.raises(ValueError, match=r"has to lie beside it in .*, and none is there"):
        open_engine(str(alone))
    for name in ("first.gguf", "second.gguf"):
        (tmp_path / name).write_bytes(good.read_bytes())
    with pytest.raises(ValueError, match="and 2 are there"):
        open_engine(str(alone))
    assert find(lora(tmp_path / "named.gguf", base="Second")).path.name == "second.gguf"
    with pytest.raises(ValueError, match=r"an adapter of the type 'cvec'; lora is read"):
        find(lora(tmp_path / "odd.gguf", kind="cvec"))
    with pytest.raises(ValueError, match="and none is there"):
        find(lora(tmp_path / "other.gguf", architecture="qwen2"))


def test_a_number_format_or_a_device_that_cannot_be_had_is_refused(good):
    with pytest.raises(ValueError, match="has its own number format; leave out dtype float16"):
        open_engine(str(good), dtype="float16")
    with pytest.raises(ValueError, match="built without cuda"):
        open_engine(str(good), device="cuda")


def test_without_llama_cpp_the_command_that_installs_it_is_named(good, monkeypatch):
    from embedder import llama_library

    monkeypatch.setitem(__import__("sys").modules, "llama_cpp", None)
    with pytest.raises(ValueError, match=r"pip install 'twofold\[llama\]'"):
        llama_library.library.__wrapped__()


def test_a_published_checkpoint_is_known_by_the_name_of_its_file(good, tmp_path):
    for name in ("Qwen3-Embedding-0.6B-Q8_0.gguf", "qwen3-embedding-0.6b.f16.gguf", "Qwen3-Embedding-4B-Q4_K_M.gguf"):
        file = changed(good, tmp_path / name, setting(**{"twofold__card": None}))
        assert (read_card(str(file)).method, read_card(str(file)).writes) == ("qwen3-embedding", False)
    assert read_card(str(tmp_path / "nowhere.gguf")).method == ""
