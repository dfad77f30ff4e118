"""What a row of the recipes table is: the stages of a training run with the figures their paper gives.

No tensor, file or model is known here. What a run changes in a row (a smaller batch, fewer steps) goes on its card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from embedder.method import find_method

Objective = Literal["mntp", "contrast", "joint", "search"]
Trains = Literal["lora", "bitfit", "tokens+bitfit", "all", "nothing"]
Views = Literal["pairs", "twice"]
Schedule = Literal["linear", "constant_with_warmup", "cosine"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. Lengths are in tokens of text, `rate` is the highest learning rate, `warm_up` and `steps` are batches.

    `objective`: "mntp" predicts masked tokens, "contrast" is InfoNCE, "joint" adds next-token prediction to it,
    "search" tries demonstrations and trains nothing. `views`: "pairs" of data, or the same text "twice" under dropout.
    `negatives`: hard ones for each query, where the data has them. `symmetric`: also documents against queries.
    `learnt_temperature`: `temperature` is its start. `skipped`: layers without an adapter. `steps` of 0: `epochs`.
    """

    name: str
    objective: Objective
    trains: Trains
    rate: float = 0.0
    batch: int = 1
    views: Views = "pairs"
    temperature: float = 0.05
    learnt_temperature: bool = False
    symmetric: bool = False
    negatives: int = 0
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    attention_dropout: float = 0.0
    skipped: tuple[str, ...] = ()
    query_tokens: int = 512
    document_tokens: int = 512
    steps: int = 0
    epochs: int = 1
    warm_up: int = 0
    schedule: Schedule = "linear"
    decay: float = 0.0
    generate_weight: float = 1.0
    generate_share: float = 0.125
    optional: bool = False

    def __post_init__(self) -> None:
        """Refuse a row that could not be run."""
        for field, kind in (
            ("objective", Objective), ("trains", Trains), ("views", Views), ("schedule", Schedule),
        ):  # fmt: skip
            if getattr(self, field) not in get_args(kind):
                raise ValueError(f"{self.name}: {field} {getattr(self, field)!r} is not one of {get_args(kind)}")
        if self.objective != "search" and not (self.rate > 0 and self.batch > 0):
            raise ValueError(f"{self.name}: a stage that trains needs a rate and a batch size")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A paper's way to an embedder: the method it ends in and its stages. `plain`: the method without chat template."""

    name: str
    title: str
    source: str
    method: str
    stages: tuple[Stage, ...]
    plain: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """A row names methods that exist."""
        for method in filter(None, (self.method, self.plain)):
            find_method(method)

    def chosen(self, names: tuple[str, ...] = ()) -> tuple[Stage, ...]:
        """The stages asked for, in the row's order; without names, all that are not optional."""
        known = [stage.name for stage in self.stages]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(f"{self.name} has no stage {', '.join(unknown)}; its stages: {', '.join(known)}")
        return tuple(stage for stage in self.stages if (stage.name in names if names else not stage.optional))
