"""A causal decoder seen as a bidirectional encoder: new modules and configuration over the same weights.

The decoder itself is never switched: a flag on a shared model is seen by every thread that runs it.
"""

import copy
from typing import Any

# attention biases by distance, which are distances only while nothing later is seen
SKEWED = ("bloom", "mpt")


def refusal(config: Any) -> str:
    """Why this model cannot attend in both directions, or ""."""
    if config.model_type in SKEWED or getattr(config, "alibi", False):
        return (
            f"{config.model_type} biases attention by key position (ALiBi), which is a distance only under causal"
            " attention; in both directions it would favour the last tokens. Pick a causal method, for example echo"
        )
    return ""


def twin(base: Any) -> Any:
    """The same weights without the causal mask; ValueError where the maths would be skewed."""
    reason = refusal(base.config)
    if reason:
        raise ValueError(reason)
    config = copy.deepcopy(base.config)
    config.is_causal = False
    _open_windows(config)
    encoder = sharing(base, config)
    for module in encoder.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False  # read by kernels where the model's own code does not pass the flag on
    for name, buffer in encoder.named_buffers():
        if _is_mask(name):
            buffer.fill_(True)  # GPT-Neo keeps its causal and local windows in a buffer
    return encoder


def sharing(base: Any, config: Any = None) -> Any:
    """New modules over the same tensors (all but the buffers that are masks), with a configuration of their own."""
    shared = [*base.parameters(), *(buffer for name, buffer in base.named_buffers() if not _is_mask(name))]
    memo: dict[int, Any] = {id(tensor): tensor for tensor in shared}
    memo[id(base.config)] = config or copy.deepcopy(base.config)
    return copy.deepcopy(base, memo)


def _is_mask(name: str) -> bool:
    return name.endswith("attention.bias")


def _open_windows(config: Any) -> None:
    """A window on every layer goes with the causal mask; layers mixed by design keep theirs."""
    kinds = set(getattr(config, "layer_types", None) or ())
    if kinds and kinds != {"sliding_attention"}:
        return
    if getattr(config, "sliding_window", None) is not None:
        config.sliding_window = None
    if kinds:
        config.layer_types = ["full_attention"] * len(config.layer_types)
