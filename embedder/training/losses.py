"""The losses of the recipes: sentence-transformers' InfoNCE with its gradient cache, and the two that it lacks.

A loss takes a batch as a collator made it and gives one number; it draws nothing at random itself. Each has
`micro`, how many texts go through the model at once, which may be lowered between two steps: the loss stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, Protocol

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
from torch.nn import functional

from embedder.training.mntp import masked_loss
from embedder.training.recipe import Stage
from embedder.training.student import Student, model_of

Batch = dict[str, Any]
Direction = Literal["query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"]
BOTH_WAYS: tuple[Direction, ...] = ("query_to_doc", "doc_to_query")


class Objective(Protocol):
    """A loss whose memory can be lowered."""

    micro: int

    def __call__(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch: a graph up to the parameters, or a hook that runs it again in pieces."""
        ...


class Contrast(torch.nn.Module):
    """InfoNCE over cosines, in-batch and hard negatives; symmetric: the mean of rows and columns (cpt, GTR).

    `batch["columns"]`: features of queries, of positives, of each hard negative.
    """

    def __init__(self, student: Student, stage: Stage, micro: int) -> None:
        super().__init__()
        self.learnt = stage.learnt_temperature
        kind = LearntTemperature if stage.learnt_temperature else CachedMultipleNegativesRankingLoss
        self.info_nce = kind(
            model_of(student),
            scale=1 / stage.temperature,
            similarity_fct=cosines,
            mini_batch_size=micro,
            directions=BOTH_WAYS if stage.symmetric else BOTH_WAYS[:1],
            partition_mode="per_direction" if stage.symmetric else "joint",
        )

    @property
    def micro(self) -> int:
        """How many texts go through the model at once."""
        return int(self.info_nce.mini_batch_size)

    @micro.setter
    def micro(self, value: int) -> None:
        self.info_nce.mini_batch_size = value

    @property
    def temperature(self) -> float:
        """What cosines are divided by now."""
        return 1 / float(torch.as_tensor(self.info_nce.scale).detach())

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean over the batch; one that goes through the model at once needs no cache, which costs a pass more."""
        columns = [dict(column) for column in batch["columns"]]
        small = len(columns) * len(columns[0]["input_ids"]) <= self.micro
        loss = self.info_nce.loss if small and not self.learnt else self.info_nce
        return torch.as_tensor(loss(columns, None))


class LearntTemperature(CachedMultipleNegativesRankingLoss):
    """InfoNCE whose scale is exp(tau) with tau learnt, as cpt-text has it."""

    def __init__(self, model: SentenceTransformer, scale: float, **options: Any) -> None:
        super().__init__(model, scale=scale, **options)
        device = next(model.parameters()).device
        self.tau = torch.nn.Parameter(torch.tensor(math.log(scale), device=device))

    @property
    def scale(self) -> Any:
        """What cosines are multiplied by: at most 100, as CLIP keeps it, for a step too far ends in one-hot rows."""
        return self.tau.clamp(max=math.log(100.0)).exp()


class Masked(torch.nn.Module):
    """Masked next-token prediction: the token at i from the state at i - 1, mean over all masked ones of a batch."""

    def __init__(self, student: Student, micro: int) -> None:
        super().__init__()
        self.student, self.micro = student, micro

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean; each micro-batch but the last has gone backward already, so that one graph is held at a time."""
        total = int((batch["labels"] != -100).sum())
        parts = list(_parts(batch, self.micro))
        done = torch.zeros(())
        for number, part in enumerate(parts):
            loss = masked_loss(self.student, part, total)
            if number < len(parts) - 1 and loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
                loss = loss.detach()
            done = done.to(loss.device) + loss
        return done


class Joint(torch.nn.Module):
    """GritLM's loss: representation (bidirectional) plus generation (causal, on the reply's tokens only), weighed.

    `batch["replies"]`: ids, mask and labels, -100 where nothing is to be written.
    """

    def __init__(self, student: Student, stage: Stage, micro: int) -> None:
        super().__init__()
        self.contrast = Contrast(student, stage, micro)
        self.student, self.weight = student, stage.generate_weight

    @property
    def micro(self) -> int:
        """How many texts go through the model at once."""
        return self.contrast.micro

    @micro.setter
    def micro(self, value: int) -> None:
        self.contrast.micro = value

    def forward(self, batch: Batch) -> torch.Tensor:
        """The weighted sum of both."""
        return torch.as_tensor(self.contrast(batch) + self.weight * self.written(batch["replies"]))

    def written(self, replies: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean cross entropy of the replies' tokens, each predicted from the state before it."""
        model = self.student.backbone
        device = next(model.parameters()).device
        total = max(int((replies["labels"][:, 1:] != -100).sum()), 1)
        parts = list(_parts(replies, self.micro))
        done = torch.zeros((), device=device)
        for number, part in enumerate(parts):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.student.bfloat16_products):
                logits = model(input_ids=part["input_ids"].to(device), use_cache=False).logits
            labels = part["labels"].to(device)[:, 1:]
            loss = functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels.flatten(), reduction="sum")
            loss = loss / total
            if number < len(parts) - 1 and loss.requires_grad:
                (self.weight * loss).backward()  # type: ignore[no-untyped-call]
                loss = loss.detach()
            done = done + loss
        return done


def cosines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Cosines of unit rows, (n, m)."""
    return a @ b.T


def objective(student: Student, stage: Stage, micro: int) -> Contrast | Masked | Joint:
    """The loss that a stage names."""
    if stage.objective == "mntp":
        return Masked(student, micro)
    return Joint(student, stage, micro) if stage.objective == "joint" else Contrast(student, stage, micro)


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    count = len(batch["labels"])
    for begin in range(0, count, size):
        yield {key: value[begin : begin + size] for key, value in batch.items() if isinstance(value, torch.Tensor)}
