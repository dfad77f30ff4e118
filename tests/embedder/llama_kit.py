"""Small GGUF files for tests: a tiny random Llama exported as a person would, and the same with something wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny

needs_llama = pytest.importorskip("llama_cpp", reason="llama.cpp is not here: pip install '.[llama]'")
gguf = pytest.importorskip("gguf", reason="the writer of GGUF files is not here: pip install '.[llama]'")

from embedder.gguf_export import export_gguf  # noqa: E402


def write(folder: Path, family: str = "llama", kind: str = "f32", *, chat: bool = True, **changes: Any) -> Path:
    """A tiny model of a family as a folder and, beside it, as one file."""
    model = tiny.save(family, folder / family, chat=chat, **changes)
    return export_gguf(str(model), folder / f"{family}-{kind}.gguf", kind)


def changed(source: Path, out: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> Path:
    """A copy of a file whose metadata and tensors were changed in place."""
    reader = gguf.GGUFReader(source)
    values = {
        name: (field.contents(), field.types[0], field.types[-1])
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    tensors = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    change(values, tensors)
    writer = gguf.GGUFWriter(str(out), values.pop("general.architecture")[0])
    for name, (value, kind, inner) in values.items():
        writer.add_key_value(name, value, kind, sub_type=inner if kind == gguf.GGUFValueType.ARRAY else None)
    for name, data in tensors.items():
        writer.add_tensor(name, data)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return out


def lora(out: Path, *, architecture: str = "llama", base: str = "", seed: int = 0, kind: str = "lora") -> Path:
    """A LoRA of rank 2 on the attention outputs of the tiny Llama, large enough to be seen."""
    chance = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(out), architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", kind)
    writer.add_float32("adapter.lora.alpha", 4.0)
    if base:
        writer.add_string("general.base_model.0.name", base)
    for layer in range(2):
        for part in "ab":
            value = chance.standard_normal((2, 32) if part == "a" else (32, 2)).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.attn_output.weight.lora_{part}", value)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return out


def parts(out: Path) -> list[np.ndarray]:
    """What each layer's attention output gains from that LoRA, (32, 32) each."""
    data = {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(out).tensors}
    names = [f"blk.{layer}.attn_output.weight.lora_" for layer in range(2)]
    return [2.0 * data[name + "b"] @ data[name + "a"] for name in names]  # alpha over rank
