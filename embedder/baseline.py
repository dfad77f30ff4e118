"""Encoder baselines under the same face: folders of sentence-transformers and plain masked language models.

The pooling is the method's row, as for decoders; what a folder adds after it (dense layers) is read here.
"""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file

from embedder import adapters, weights
from embedder.encoders import ENCODERS
from embedder.hub import Source
from embedder.row import Method, Pool
from embedder.torch_engine import TorchEngine

T5 = ("t5", "mt5", "umt5")
KNOWN = ("Transformer", "Pooling", "Dense", "Normalize")
POOLINGS: dict[str, tuple[str, Pool]] = {
    "mean": ("{before}%s{text}{after}", "mean"),
    "cls": ("{before:pool}%s{text}{after}", "last"),
    "lasttoken": ("{before}%s{text}{after}", "last"),
    "weightedmean": ("{before}%s{text}{after}", "ramp"),
}
ACTIVATIONS = {"Tanh": torch.nn.Tanh, "Identity": torch.nn.Identity, "ReLU": torch.nn.ReLU, "GELU": torch.nn.GELU}


class EncoderEngine(TorchEngine):
    """A masked language model or another encoder with what follows its pooling. `row`: the method it was made for."""

    def __init__(self, model: Any, tokenizer: Any, *, after: torch.nn.Module, row: Method, **identity: Any) -> None:
        self._after_pooling = after
        self.row = row
        super().__init__(model, tokenizer, **identity)

    def _states(self, ids: torch.Tensor, mask: torch.Tensor, *, causal: bool) -> torch.Tensor:
        """Last hidden states; this model has one kind of attention whatever is asked, which the probe finds out."""
        with torch.inference_mode():
            output = self._model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))
        return torch.as_tensor(output.last_hidden_state)

    def _finish(self, pooled: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self._after_pooling(pooled))


def is_encoder(config: Any, folder: Path) -> bool:
    """Whether a model folder is no decoder: T5's encoder, or a type made for masked language modelling."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    return config.model_type in T5 or config.model_type in MASKED or (folder / "sentence_bert_config.json").is_file()


def load(source: Source, config: Any, name: str, device: torch.device, dtype: torch.dtype) -> EncoderEngine:
    """The engine of an encoder's folder."""
    opener = transformers.T5EncoderModel if config.model_type in T5 else transformers.AutoModel
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(source.folder), trust_remote_code=False)
    model = opener.from_pretrained(str(source.folder), dtype=dtype, use_safetensors=True, trust_remote_code=False)
    for adapter in source.adapters:
        adapters.merge(model, adapter)
    modules = _modules(source.folder)
    after = _dense(modules, source.folder)
    head = source.checkpoint.head if source.checkpoint else ""
    if head == "pooler":
        dense: Any = model.pooler
        after.insert(0, torch.nn.Sequential(dense.dense, torch.nn.Tanh()))
    row = ENCODERS.get(source.checkpoint.method) if source.checkpoint else None
    return EncoderEngine(
        model.eval().to(device),
        tokenizer,
        after=after.float().eval().to(device),
        row=row or _row(modules, source.folder, config),
        name=name,
        revision=source.revision,
        context=_context(source.folder, config, tokenizer),
    )


def _modules(folder: Path) -> list[dict[str, Any]]:
    file = folder / "modules.json"
    modules: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    for module in modules:
        kind = module["type"].rpartition(".")[2].removeprefix("INSTRUCTOR")
        if kind not in KNOWN:
            raise ValueError(f"{folder} has a {module['type']}, which is not one of {', '.join(KNOWN)}")
        module["kind"] = kind
    return modules


def _dense(modules: list[dict[str, Any]], folder: Path) -> torch.nn.Sequential:
    """The dense layers between pooling and normalising."""
    layers = torch.nn.Sequential()
    for module in modules:
        if module["kind"] != "Dense":
            continue
        place = folder / module["path"]
        config = weights.read_json(place / "config.json")
        if not (place / "model.safetensors").is_file():
            raise ValueError(f"{place} has no model.safetensors; pickled weights are not read")
        state = load_file(str(place / "model.safetensors"))
        activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
        if activation not in ACTIVATIONS:
            raise ValueError(f"{place}: activation {activation} is not one of {', '.join(ACTIVATIONS)}")
        linear = torch.nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
        linear.load_state_dict({key.removeprefix("linear."): value.float() for key, value in state.items()})
        layers.extend([linear, ACTIVATIONS[activation]()])
    return layers


def _row(modules: list[dict[str, Any]], folder: Path, config: Any) -> Method:
    """A row out of a folder's own configuration: its pooling and its prompts; the mean without one."""
    pooling = next((module for module in modules if module["kind"] == "Pooling"), None)
    if pooling is None:
        return ENCODERS["sbert"]
    mode = _pooling(weights.read_json(folder / pooling["path"] / "config.json"), folder)
    prompts = weights.read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    query, document = (str(prompts.get(side) or "") for side in ("query", "document"))
    template, pool = POOLINGS[mode]
    if mode == "mean" and not query and not document:
        return ENCODERS["sbert"]
    return Method(
        name=f"st-{mode}",
        title=f"sentence-transformers ({mode})",
        source=f"the configuration of {folder.name}",
        query=template % _inert(query),
        document=template % _inert(document),
        pool=pool,
        causal=bool(getattr(config, "is_decoder", False)) or not is_encoder(config, folder / "none"),
    )


def _pooling(config: dict[str, Any], folder: Path) -> str:
    on = [
        key.removeprefix("pooling_mode_") for key, value in config.items() if key.startswith("pooling_mode_") and value
    ]
    modes = [mode.removesuffix("_tokens").removesuffix("_token") for mode in on] or [config.get("pooling_mode", "mean")]
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise ValueError(f"{folder}: pooling {'+'.join(map(str, modes))} is not one of {', '.join(POOLINGS)}")
    return str(modes[0])


def _inert(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _context(folder: Path, config: Any, tokenizer: Any) -> int:
    """The shortest of what the folder, the model and the tokenizer allow."""
    stated = weights.read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    positions = getattr(config, "max_position_embeddings", None)
    if positions and config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # the first two are for padding
    known = [size for size in (stated, positions, tokenizer.model_max_length) if size and size < 10**6]
    return int(stated or min(known, default=512))
