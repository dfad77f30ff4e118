"""A model folder into one GGUF file: weights, tokenizer and card, quantized by llama.cpp where asked.

The tokenizer is checked after writing: the file is refused unless it gives the ids that the folder gives.
"""

import ctypes
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from embedder import adapters
from embedder.card import Card, read_card
from embedder.engine import INSTALL, POCKET
from embedder.gguf_vocabulary import add_vocabulary, check_vocabulary
from embedder.hub import Source, resolve
from embedder.llama_library import last_words, library

# transformers' model type: llama.cpp's architecture, and whether it interleaves the rotary halves of queries and keys
ARCHITECTURES = {
    "llama": ("llama", True),
    "mistral": ("llama", True),
    "qwen2": ("qwen2", False),
    "qwen3": ("qwen3", False),
}
KINDS = {"f32": 0, "bf16": 32, "f16": 1, "q8_0": 7, "q4_k_m": 15}  # llama.cpp's numbers for what a file mostly holds
CARD, README = "twofold.card", "twofold.readme"


def export_gguf(model: str, out: Path, quantize: str = "f16") -> Path:
    """Write a model folder (or "pocket") as GGUF; ValueError tells what cannot be carried over.

    `quantize` is f32, bf16, f16, q8_0 or q4_k_m. An adapter's folder is written merged with its base.
    """
    if quantize not in KINDS:
        raise ValueError(f"{quantize!r} is not one of {', '.join(KINDS)}")
    if out.suffix.lower() != ".gguf":
        raise ValueError(f"{out.name} has to end in .gguf, by which a model file is known")
    library(), _gguf()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        plain = Path(folder) / "plain.gguf"
        _write(model, plain, "f32" if quantize in ("f32", "bf16") else "f16", out.stem)
        whole = plain
        if quantize not in ("f32", "f16"):
            whole = Path(folder) / "quantized.gguf"
            _quantize(plain, whole, quantize)
        whole.replace(out)
    return out


def _gguf() -> Any:
    try:
        import gguf
    except ImportError as error:
        raise ValueError(f"writing GGUF files needs the extra `llama`: {INSTALL}") from error
    return gguf


def _write(model: str, path: Path, number: str, name: str) -> None:
    gguf = _gguf()
    source = resolve(str(POCKET) if model == "pocket" else model)
    loaded, tokenizer = _load(source)
    kind = loaded.config.model_type
    if kind not in ARCHITECTURES:
        raise ValueError(f"{model} is of the type {kind}; {', '.join(ARCHITECTURES)} can be written as GGUF")
    architecture, interleaved = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(name)
    writer.add_file_type(KINDS[number])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_sizes(writer, loaded.config)
    _add_card(writer, read_card(model))
    add_vocabulary(writer, tokenizer, loaded.get_input_embeddings().weight.shape[0], model)
    for tensor, value in _tensors(loaded, architecture, interleaved):
        writer.add_tensor(tensor, value.astype(np.float16 if value.ndim > 1 and number == "f16" else np.float32))
    for write in (
        writer.write_header_to_file,
        writer.write_kv_data_to_file,
        writer.write_tensors_to_file,
        writer.close,
    ):
        write()
    check_vocabulary(path, tokenizer, kind, model)


def _load(source: Source) -> tuple[Any, Any]:
    """The model on the CPU with its adapters merged, and its tokenizer."""
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(source.folder), dtype="auto", use_safetensors=True, trust_remote_code=False
    )
    for adapter in source.adapters:
        adapters.merge(model, adapter)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(source.tokenizer), trust_remote_code=False)
    return model, tokenizer


def _add_sizes(writer: Any, config: Any) -> None:
    heads, grouped = config.num_attention_heads, config.num_key_value_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    window = getattr(config, "sliding_window", None)
    context = config.max_position_embeddings
    # within its window a model with one is the same as without, and llama.cpp knows none for these architectures
    writer.add_context_length(min(context, window) if window else context)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(grouped)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))


def _add_card(writer: Any, card: Card) -> None:
    """What the model says of itself rides along, so that the right method is chosen on load."""
    values = asdict(card)
    readme = values.pop("text")
    values.pop("base_weights")  # merged now
    writer.add_string(CARD, json.dumps(values, ensure_ascii=False))
    if readme:
        writer.add_string(README, readme)


def _tensors(model: Any, architecture: str, interleaved: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Names and values as llama.cpp has them."""
    gguf, config = _gguf(), model.config
    kind = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == architecture)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    factors = _rope_factors(config)
    if factors is not None:
        yield "rope_freqs.weight", factors
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise ValueError(f"llama.cpp's {architecture} has no place for the weight {key}")
        array = value.float().numpy()
        if interleaved and (".q_proj." in key or ".k_proj." in key):
            heads = config.num_attention_heads if ".q_proj." in key else config.num_key_value_heads
            array = array.reshape(heads, 2, array.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(array.shape)
        yield name, np.ascontiguousarray(array)


def _rope_factors(config: Any) -> np.ndarray | None:
    """What each rotary frequency is divided by, for Llama 3.1's way of reaching further; None where nothing is.

    Formula: transformers, `_compute_llama3_parameters`.
    """
    rope = config.rope_parameters
    if rope.get("rope_type", "default") == "default":
        return None
    if rope["rope_type"] != "llama3":
        raise ValueError(f"rotary positions of the type {rope['rope_type']} are not written; default and llama3 are")
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    lengths = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, size, 2, dtype=np.float64) / size)  # of the waves
    low, high, known = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
    smooth = np.clip((known / lengths - low) / (high - low), 0, 1)
    return np.asarray(1 / ((1 - smooth) / rope["factor"] + smooth), np.float32)


def _quantize(plain: Path, out: Path, kind: str) -> None:
    api = library()
    params = api.llama_model_quantize_default_params()
    params.ftype = KINDS[kind]
    if api.llama_model_quantize(str(plain).encode(), str(out).encode(), ctypes.byref(params)):
        raise ValueError(f"llama.cpp could not quantize to {kind}: {last_words()}")
