"""Masked next-token prediction (LLM2Vec): which tokens are hidden, how, and the loss at the position before.

The mask token is one that the model has; how much is hidden is a row by family. No training loop is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from embedder.engine import Engine

if TYPE_CHECKING:
    from embedder.training.student import Student

NOTHING = -100  # a label that counts for nothing


@dataclass(frozen=True, slots=True)
class Corruption:
    """How texts are hidden: `share` of the tokens, of which `masked` become the mask token and `random` another one.

    What remains of the share stays as it is and must still be predicted.
    """

    share: float
    masked: float
    random: float


# Mistral hardly changes when it may look ahead, so its paper hides most of a text, and always by the mask token
CORRUPTIONS = {"mistral": Corruption(0.8, 1.0, 0.0)}
BERT = Corruption(0.2, 0.8, 0.1)
MASKS = ("_", "#", "*", "?")  # "_" is the paper's "blank"; the others for vocabularies that have no such token


def corruption_of(kind: str) -> Corruption:
    """The row of a family of models."""
    return CORRUPTIONS.get(kind, BERT)


def mask_token(engine: Engine) -> int:
    """The token that stands for a hidden one: the model's own mask token, else "_" or another single character."""
    try:
        (own,) = engine.special("mask")
        return own
    except ValueError:
        pass
    for text in MASKS:
        ids = engine.encode(text)
        if len(ids) == 1:
            return ids[0]
    raise ValueError(f"the vocabulary of {engine.name} has none of {' '.join(MASKS)} as one token to mask with")


def blocks(texts: Sequence[str], engine: Engine, length: int, *, most: int = 0) -> list[list[int]]:
    """Texts end to end, cut into blocks of `length` tokens that begin as the model's texts do; `most` of them (0: all).

    A last piece shorter than a block is kept where there would be no block without it.
    """
    begin, join = engine.special("bos"), engine.encode("\n\n")
    room = length - len(begin)
    ids: list[int] = []
    found: list[list[int]] = []
    for text in texts:
        ids += engine.encode(text) + join
        while len(ids) >= room:
            found.append(begin + ids[:room])
            ids = ids[room:]
            if most and len(found) >= most:
                return found
    return found or ([begin + ids] if len(ids) > 1 else [])


def corrupt(
    ids: Sequence[int], rule: Corruption, mask: int, size: int, chance: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Ids with a share hidden, and labels: the token itself where it is hidden, -100 elsewhere.

    The first token is never hidden: nothing stands before it to predict it from. `size`: of the vocabulary.
    """
    count = len(ids)
    hidden = chance.random(count) < rule.share
    hidden[0] = False
    if count > 1 and not hidden.any():
        hidden[1 + chance.integers(count - 1)] = True
    fate = chance.random(count)
    other = chance.integers(0, size, count)
    shown, labels = list(ids), [NOTHING] * count
    for at in np.flatnonzero(hidden).tolist():
        labels[at] = ids[at]
        if fate[at] < rule.masked:
            shown[at] = mask
        elif fate[at] < rule.masked + rule.random:
            shown[at] = int(other[at])
    return shown, labels


def masked_loss(student: Student, batch: dict[str, Any], total: int) -> torch.Tensor:
    """Cross entropy of hidden tokens over `total`: the token at i is read from the state at i - 1."""
    states = student.states(batch["input_ids"], batch["attention_mask"])
    labels = batch["labels"].to(states.device)[:, 1:]
    wanted = labels != NOTHING
    before = states[:, :-1][wanted]  # only these need logits: a vocabulary is wide
    logits = student.head(before.to(student.head.weight.dtype))
    return functional.cross_entropy(logits.float(), labels[wanted], reduction="sum") / max(total, 1)
