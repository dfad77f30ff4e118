"""What a run is: a recipe, a base, data, a folder, what a person changed; and the rows as they are run then.

It loads no library, so that a page can tell what a run would do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedder.engine import Engine
from embedder.method import Method, find_method
from embedder.training.data import Data
from embedder.training.journal import Step
from embedder.training.recipe import Recipe, Stage

if TYPE_CHECKING:
    from embedder.training.dev import Dev

CPU_BATCH = 64  # a paper's batch of thousands would be one step an hour on a CPU


@dataclass(frozen=True, slots=True)
class Options:
    """What a person changes in a recipe's row; 0 and "" leave it as it is."""

    stages: tuple[str, ...] = ()
    trains: str = ""
    steps: int = 0
    epochs: int = 0
    batch: int = 0
    micro: int = 0
    rate: float = 0.0
    tokens: int = 0
    every: int = 50
    patience: int = 0
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    checkpointing: bool = False
    temperature: float = 0.0


@dataclass(slots=True)
class Work:
    """A run: what is trained on what, where it is written, and who is told."""

    recipe: Recipe
    base: str
    data: Data
    out: Path
    options: Options = field(default_factory=Options)
    dev: Dev | None = None
    tell: Callable[[Step], None] = lambda step: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a stage: its row as it was run, its steps, first and last loss, first and best score."""

    stage: Stage
    steps: int
    loss: tuple[float, float]
    score: tuple[float, float] | None
    measure: str = ""


def method_of(recipe: Recipe, engine: Engine) -> Method:
    """The recipe's method, or its form for models without a chat template."""
    name = recipe.plain if recipe.plain and not getattr(engine, "chats", False) else recipe.method
    return find_method(name)


def fitted(stage: Stage, work: Work, kind: str) -> Stage:
    """The row with a person's changes, and no larger than the data and the device (`kind`: "cpu", …) can bear."""
    options = work.options
    given: dict[str, Any] = {"trains": options.trains} if options.trains and stage.trains != "nothing" else {}
    given |= {name: value for name in ("steps", "epochs", "rate", "temperature") if (value := getattr(options, name))}
    if options.tokens:
        given |= {"query_tokens": min(stage.query_tokens, options.tokens)}
        given |= {"document_tokens": min(stage.document_tokens, options.tokens)}
    if options.steps and not options.epochs:
        given["epochs"] = 10**6  # as many passes as the steps take
    count = len(work.data.passages()) if stage.views == "twice" or stage.objective == "mntp" else work.data.pairs
    largest = max(2, count // 8)
    if kind == "cpu":
        largest = min(largest, CPU_BATCH)
    batch = options.batch or (min(stage.batch, largest) if stage.objective != "mntp" else min(stage.batch, 32))
    return replace(stage, batch=batch, **given)
