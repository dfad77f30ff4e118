"""What learns in a run: adapters, biases, new tokens or everything. After `prepare` gradients reach that and no more.

An adapter is put on a copy of the decoder that shares its weights, so the decoder itself writes as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from embedder.adapters import activate, inject
from embedder.roles import NAMED
from embedder.training.recipe import Stage
from embedder.transformers_engine import TransformersEngine

# where a family's configuration allows biases that its usual weights do not have
ALLOWED_BIASES = {
    "attention_bias": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp_bias": ("gate_proj", "up_proj", "down_proj"),
}
BIASED = {"llama": ("attention_bias", "mlp_bias"), "qwen3": ("attention_bias",)}


def prepare(engine: TransformersEngine, stage: Stage, *, seed: int = 0, checkpointing: bool = False) -> None:
    """Freeze the model, add what the stage trains, and let that alone have gradients."""
    torch.manual_seed(seed)
    model = engine.model
    model.requires_grad_(False)
    if checkpointing:
        newer = getattr(model, "activation_checkpointing_enable", None)  # its name from transformers 5.2x on
        (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    if hasattr(model.config, "attention_dropout"):
        model.config.attention_dropout = stage.attention_dropout
        _set_dropout(model, stage.attention_dropout)
    if stage.trains == "lora":
        engine.adapt(_with_adapter(engine, stage, seed))
    elif stage.trains == "all":
        model.requires_grad_(True)
        engine.forget()
    elif stage.trains in ("bitfit", "tokens+bitfit"):
        if stage.trains == "tokens+bitfit":
            _add_tokens(engine, seed)
        _free_biases(model, engine.name)
        engine.forget()


def _set_dropout(model: Any, share: float) -> None:
    """Attention modules keep the share they were made with."""
    for module in model.modules():
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share


def linear_names(body: Any, skipped: tuple[str, ...] = ()) -> list[str]:
    """The last part of the names of all linear layers, less those skipped."""
    found = {
        name.rpartition(".")[2] for name, module in body.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)
    }
    return sorted(found - set(skipped) - {"base_layer", "default"})


def _with_adapter(engine: TransformersEngine, stage: Stage, seed: int) -> Callable[[Any], None]:
    """What puts the stage's adapter on a body, after the adapters that were there."""
    from peft import LoraConfig

    before = engine.attached

    def attach(body: Any) -> None:
        names = linear_names(body, stage.skipped)
        if before is not None:
            before(body)
        older = adapters_of(body)
        torch.manual_seed(seed)
        config = LoraConfig(
            r=stage.rank, lora_alpha=stage.alpha, lora_dropout=stage.dropout, target_modules=names,
            fan_in_fan_out=any(isinstance(module, Conv1D) for module in body.modules()),
        )  # fmt: skip
        inject(body, config, stage.name)
        activate(body, [*older, stage.name], trained=stage.name)
        for name, weight in body.named_parameters():
            if f".{stage.name}." in name and ".lora_" in name:
                weight.data = weight.data.float()  # a bfloat16 step would be lost in rounding
        body.eval()

    return attach


def adapters_of(body: Any) -> list[str]:
    """Names of the adapters on a body, in order."""
    return list(getattr(body, "peft_config", {}))


def _free_biases(model: Any, name: str) -> None:
    """Let biases learn; a family without any gets zero ones where its configuration has a place for them."""
    found = [weight for key, weight in model.named_parameters() if key.endswith("bias")]
    if not found:
        found = _zero_biases(model)
    if not found:
        kind = model.config.model_type
        raise ValueError(
            f"{name} ({kind}) has no biases and no place for any, so BitFit has nothing to train; give --trains lora,"
            f" or a base with biases (GPT-2, GPT-NeoX, OPT, BLOOM, Qwen2; {', '.join(BIASED)} get them)"
        )
    for weight in found:
        weight.requires_grad_(True)


def _zero_biases(model: Any) -> list[torch.nn.Parameter]:
    """Zero biases where the configuration can say that there are some: the outputs stay the same until they move."""
    switches = BIASED.get(model.config.model_type, ())
    wanted = {name for switch in switches for name in ALLOWED_BIASES[switch]}
    made: list[torch.nn.Parameter] = []
    for name, module in model.base_model.named_modules():
        if isinstance(module, torch.nn.Linear) and name.rpartition(".")[2] in wanted and module.bias is None:
            module.bias = torch.nn.Parameter(torch.zeros_like(module.weight[:, 0]))
            made.append(module.bias)
    for switch in switches:
        setattr(model.config, switch, True)
    return made


def _add_tokens(engine: TransformersEngine, seed: int) -> None:
    """UDEVER's four tokens: rows of their own, the only ones of the embedding that learn."""
    tokenizer, model = engine.tokenizer, engine.model
    before = len(tokenizer)
    known = {token.content for token in tokenizer.added_tokens_decoder.values()}
    new = [name for name in NAMED.values() if name not in known]
    if new:
        tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
    embedding = model.get_input_embeddings()
    if len(tokenizer) > embedding.weight.shape[0]:
        torch.manual_seed(seed)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        embedding = model.get_input_embeddings()
    rows = torch.tensor(tokenizer.convert_tokens_to_ids(list(NAMED.values())))
    with torch.no_grad():
        fresh = rows[rows >= before]
        if len(fresh):  # as long as other rows, so that no norm tells them from words
            scale = embedding.weight[:before].float().std()
            embedding.weight[fresh] = (torch.randn(len(fresh), embedding.weight.shape[1]) * scale).to(embedding.weight)
    embedding.weight.requires_grad_(True)
    mask = torch.zeros(embedding.weight.shape[0], 1)
    mask[rows] = 1.0
    embedding.weight.register_hook(lambda gradient: gradient * mask.to(gradient))
    engine.set_tokenizer(tokenizer)
