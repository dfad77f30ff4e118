"""Low-rank adapters merged into their base, in order. They were saved on the whole model or on its body: both fit."""

import warnings
from pathlib import Path
from typing import Any

from safetensors import safe_open


def merge(model: Any, folder: Path) -> None:
    """Merge the adapter in `folder` into the weights of `model`, a causal language model or an encoder."""
    try:
        from peft import PeftModel
    except ImportError as error:
        wanted = "is an adapter, which needs the extra `train`: pip install 'twofold[train]'"
        raise ValueError(f"{folder.name} {wanted}") from error
    prefix = getattr(model, "base_model_prefix", "")
    whole = any(key.startswith(f"base_model.model.{prefix}.") for key in _keys(folder))
    target = model if whole or not hasattr(model, prefix) else getattr(model, prefix)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        PeftModel.from_pretrained(target, str(folder), is_trainable=False).merge_and_unload()
    if any("missing adapter keys" in str(warning.message) for warning in said):
        raise ValueError(f"the adapter {folder.name} does not fit {model.config.model_type}: is it for another base?")


def _keys(folder: Path) -> list[str]:
    file = folder / "adapter_model.safetensors"
    if not file.is_file():
        raise ValueError(f"{folder} has no adapter_model.safetensors; pickled adapters are not read")
    with safe_open(str(file), framework="pt") as tensors:
        return list(tensors.keys())
