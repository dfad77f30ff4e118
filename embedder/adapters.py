"""Low-rank adapters: merged into their base, in order, or kept apart on a copy that shares the base's weights.

They were saved on the whole model or on its body: both fit. Kept apart, the base writes as if there were none.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file


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


def attach(body: Any, folders: Sequence[Path]) -> None:
    """Put the adapters beside the weights of `body`, all active: their changes add up, as if merged in order."""
    from peft import LoraConfig, set_peft_model_state_dict

    prefix = f"base_model.model.{getattr(body, 'base_model_prefix', '') or 'model'}."
    before = list(getattr(body, "peft_config", {}))
    for number, folder in enumerate(folders, len(before)):
        state = load_file(str(folder / "adapter_model.safetensors"))
        whole = any(key.startswith(prefix) for key in state)
        start = prefix if whole else "base_model.model."
        own = {key.removeprefix(start): value for key, value in state.items()}
        inject(body, LoraConfig.from_pretrained(str(folder)), f"adapter{number}")
        report = set_peft_model_state_dict(body, own, adapter_name=f"adapter{number}")
        if report is not None and report.unexpected_keys:
            raise ValueError(
                f"the adapter {folder.name} does not fit {body.config.model_type}: is it for another base?"
            )
    activate(body, list(getattr(body, "peft_config", {})), trained="")
    body.eval()  # an adapter's dropout is new, and new modules begin in training mode


def inject(body: Any, config: Any, name: str) -> None:
    """Put a new adapter beside the weights of `body`; that there are older ones, which peft warns of, is meant."""
    from peft import inject_adapter_in_model

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        inject_adapter_in_model(config, body, name)


def activate(body: Any, names: Sequence[str], *, trained: str) -> None:
    """Make the adapters called `names` count, and only the one called `trained` learn."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in body.modules():
        if isinstance(module, BaseTunerLayer):
            module.set_adapter(list(names))
    for name, weight in body.named_parameters():
        if ".lora_" in name:
            weight.requires_grad_(bool(trained) and f".{trained}." in name)


def _keys(folder: Path) -> list[str]:
    file = folder / "adapter_model.safetensors"
    if not file.is_file():
        raise ValueError(f"{folder} has no adapter_model.safetensors; pickled adapters are not read")
    with safe_open(str(file), framework="pt") as tensors:
        return list(tensors.keys())
