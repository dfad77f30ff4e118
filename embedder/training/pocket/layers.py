"""Second stage: a Llama that starts as the table, and whose layers learn what a bag of tokens cannot say.

The output projections begin at zero, so the first vectors are the table's to 1e-5. Attention looks both ways, the
states of a text's tokens are averaged. The embeddings move slowly, the layers fast. Beside the teachers' similarities
it learns their vectors themselves, read off by a linear map that is thrown away. It knows no search.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from embedder.training.pocket import table as stage
from embedder.training.pocket.table import Ids, Taught

MICRO = {"cpu": 2048}  # tokens a forward pass: what this model runs fastest
LARGE = 32_768  # the same of a device that works on many at once


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run of this stage does."""

    steps: int = 600
    taught: int = 384
    pairs: int = 96
    block: int = 96
    rate: float = 1e-3
    embedding_rate: float = 3e-4
    warm_up: int = 30
    temperature: float = 0.04
    student: float = 0.05
    near: float = 0.0
    contrast: float = 0.3
    often: int = 1  # pairs are contrasted every so many steps
    reading: float = 0.0  # weight of the teachers' vectors, read off by a linear map
    tokens: int = 8192  # of a lesson, at most
    seed: int = 1


def build(table: torch.Tensor, layers: int, context: int = 2048) -> LlamaForCausalLM:
    """A decoder equal to the table, its vocabulary the groups: rows of RMS 1, zero outputs, no slack in the norm."""
    width = table.shape[1]
    config = LlamaConfig(
        vocab_size=len(table), hidden_size=width, num_hidden_layers=layers, num_attention_heads=8,
        num_key_value_heads=8, intermediate_size=1408, max_position_embeddings=context, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=2, pad_token_id=3, rms_norm_eps=1e-6,
    )  # fmt: skip
    config.is_causal = False  # trained as an encoder; the shipped folder says otherwise and the embedder makes its twin
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    model.set_attn_implementation("eager")  # of sentences, faster to train on a CPU than the fused kernel
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(functional.normalize(table, dim=1) * math.sqrt(width))
        model.model.norm.weight[-stage.SLACK :] = 0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    return model


def softened(model: LlamaForCausalLM, width: int, weight: float) -> LlamaForCausalLM:
    """The same decoder, its vectors' dimensions beyond `width` weighing `weight` times as much."""
    with torch.no_grad():
        model.model.norm.weight[width:] *= weight
    return model


def expand(model: LlamaForCausalLM, groups: np.ndarray) -> LlamaForCausalLM:
    """The same decoder over tokens: each takes the row of its group."""
    config = copy.deepcopy(model.config)
    config.vocab_size = len(groups)
    whole = LlamaForCausalLM(config)
    state = model.state_dict()
    rows = state["model.embed_tokens.weight"][torch.from_numpy(groups.astype(np.int64))]
    whole.load_state_dict(state | {"model.embed_tokens.weight": rows, "lm_head.weight": rows})
    return whole


def pooled(model: LlamaForCausalLM, texts: Sequence[Ids], half: bool = True) -> torch.Tensor:
    """Mean states under attention both ways, (n, width), in the order of `texts`; micro-batches of like length."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    device = model.model.embed_tokens.weight.device
    parts = []
    for chosen in _micro(order, [len(t) for t in texts], MICRO.get(device.type, LARGE)):
        longest = len(texts[chosen[-1]])
        ids = torch.zeros(len(chosen), longest, dtype=torch.long)
        mask = torch.zeros(len(chosen), longest, dtype=torch.long)
        for row, i in enumerate(chosen):
            ids[row, : len(texts[i])] = torch.from_numpy(texts[i].astype(np.int64))
            mask[row, : len(texts[i])] = 1
        ids, mask = ids.to(device), mask.to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            states = model.model(ids, attention_mask=mask, use_cache=False).last_hidden_state
        parts.append((states.float() * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True))
    return torch.cat(parts)[torch.argsort(torch.tensor(order)).to(device)]


def _micro(order: list[int], lengths: list[int], tokens: int) -> Iterator[list[int]]:
    """Runs of `order` (ascending lengths) of at most `tokens` tokens, padding counted."""
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * lengths[i] > tokens:
            yield batch
            batch = []
        batch.append(i)
    yield batch


@dataclass(slots=True)
class Reader:
    """A linear map from our vectors to a teacher's, less the direction that all of the teacher's share."""

    weight: torch.Tensor  # (width, teacher's width)
    centre: torch.Tensor

    def loss(self, states: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """One less the mean cosine of what is read with what the teacher said."""
        wanted = functional.normalize(vectors - self.centre, dim=1)
        return (
            1 - (functional.normalize(functional.normalize(states, dim=1) @ self.weight, dim=1) * wanted).sum(1).mean()
        )


def readers(model: LlamaForCausalLM, taught: dict[str, Taught], sample: int = 16_000) -> dict[str, Reader]:
    """One for each teacher (the word before the first underscore of a lesson), fitted to the untrained layers."""
    found = {}
    table = stage.shown(model.model.embed_tokens.weight.detach())
    table = functional.pad(table, (0, stage.SLACK))
    for name in sorted(taught, key=lambda n: len(taught[n].vectors)):  # the longest lesson of a teacher decides
        lesson = taught[name]
        rows = np.random.default_rng(0).permutation(len(lesson.vectors))[:sample]
        ours = functional.normalize(stage.bag(table, [lesson.ids[i] for i in rows]), dim=1)
        theirs = torch.from_numpy(lesson.vectors[rows].astype(np.float32)).to(table.device)
        centre = theirs.mean(0)
        wanted = functional.normalize(theirs - centre, dim=1)
        weight = torch.linalg.solve(ours.T @ ours + torch.eye(ours.shape[1], device=ours.device), ours.T @ wanted)
        found[name.split("_")[0]] = Reader(weight.requires_grad_(True), centre)
    return found


def train(
    model: LlamaForCausalLM,
    pairs: dict[str, tuple[list[Ids], list[Ids]]],
    weights: dict[str, float],
    taught: dict[str, Taught],
    recipe: Recipe,
    checkpoint: Path | None = None,
) -> Iterator[tuple[int, float, float]]:
    """Train in place; yields (step, contrastive loss, imitation loss). Resumes from `checkpoint` where there is one."""
    embedding = [model.model.embed_tokens.weight]
    matrices = [p for n, p in model.model.layers.named_parameters() if p.ndim == 2]
    reading = readers(model, taught)
    maps = [reading[teacher].weight for teacher in sorted(reading)]
    optimiser = torch.optim.AdamW(
        [
            {"params": matrices, "peak": recipe.rate}, {"params": embedding, "peak": recipe.embedding_rate},
            {"params": maps, "peak": 1e-3},
        ],
        lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0,
    )  # fmt: skip
    model.model.norm.weight.requires_grad_(False)
    first = _resume(model, maps, optimiser, checkpoint)
    draw = stage.blocks({s: len(q) for s, (q, _) in pairs.items()}, weights, recipe.block, recipe.seed + first)
    lessons = {k: stage.neighbourhoods(t.vectors, recipe.taught, recipe.seed + first) for k, t in taught.items()}
    order = sorted(taught)
    met = torch.zeros(())
    for step in range(first, recipe.steps):
        for group in optimiser.param_groups:
            share = min(1, (step + 1) / recipe.warm_up) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
            group["lr"] = group["peak"] * share
        name = order[step % len(order)]
        told = _lesson(model, taught[name], next(lessons[name]), reading[name.split("_")[0]], recipe)
        torch.autograd.backward(told)
        if recipe.contrast and step % recipe.often == 0:
            queries, passages, same = stage.batch(pairs, draw, recipe.pairs)
            states = pooled(model, [*queries, *passages])
            n = len(queries)
            met = stage.nested(lambda q, p, s=same: stage.contrast(q, p, recipe.temperature, s), states[:n], states[n:])
            torch.autograd.backward(recipe.contrast * met)
        torch.nn.utils.clip_grad_norm_(matrices, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if checkpoint and (step + 1) % 50 == 0:
            _save(model, maps, optimiser, step + 1, checkpoint)
        yield step, float(met.detach()), float(told.detach())


def _lesson(model: LlamaForCausalLM, lesson: Taught, rows: np.ndarray, reader: Reader, recipe: Recipe) -> torch.Tensor:
    rows = rows[np.cumsum([len(lesson.ids[i]) for i in rows]) <= recipe.tokens]
    states = pooled(model, [lesson.ids[i] for i in rows])
    vectors = torch.from_numpy(lesson.vectors[rows].astype(np.float32)).to(states.device)
    told = stage.told(states, lesson, vectors, recipe.student, recipe.near)
    return told + recipe.reading * reader.loss(states, vectors) if recipe.reading else told


def _save(
    model: LlamaForCausalLM, maps: list[torch.Tensor], optimiser: torch.optim.Optimizer, step: int, file: Path
) -> None:
    part = file.with_suffix(".part")
    state = {"model": model.state_dict(), "maps": [m.detach() for m in maps], "optimiser": optimiser.state_dict()}
    torch.save(state | {"step": step}, part)
    part.replace(file)


def _resume(
    model: LlamaForCausalLM, maps: list[torch.Tensor], optimiser: torch.optim.Optimizer, file: Path | None
) -> int:
    if file is None or not file.exists():
        return 0
    state = torch.load(file, weights_only=True, map_location=maps[0].device)
    model.load_state_dict(state["model"])
    for own, kept in zip(maps, state["maps"], strict=True):
        own.data.copy_(kept)
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
