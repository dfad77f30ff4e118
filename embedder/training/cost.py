"""What a run would cost, before it is begun: steps, tokens, and the time by timing a few texts on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from embedder.embedder import Embedder, combine
from embedder.engine import Engine
from embedder.method import find_method
from embedder.training.data import drawn
from embedder.training.recipe import Stage
from embedder.training.work import Work, fitted, method_of

SAMPLE = 64  # texts whose lengths are looked at
TIMED = 16  # texts that are timed
# passes forward that a step costs: one with gradients counts three, a gradient cache adds one without
PASSES = {"contrast": 4.0, "joint": 5.0, "mntp": 3.0, "search": 0.0}


@dataclass(frozen=True, slots=True)
class Cost:
    """A stage's cost. `tokens` go through the model forward and backward; `seconds` is an estimate on this machine."""

    stage: str
    steps: int
    batch: int
    tokens: int
    seconds: float


def estimate(work: Work, engine: Engine) -> list[Cost]:
    """The cost of each stage; the engine is timed as it is, under the recipe's attention."""
    found = []
    kind = engine.device.partition(":")[0]
    for stage in [fitted(stage, work, kind) for stage in work.recipe.chosen(work.options.stages)]:
        row = method_of(work.recipe, engine)
        try:
            timed = combine(row, engine)
        except ValueError:  # a method whose tokens are not there yet
            timed = combine(find_method("mean"), engine)
        found.append(_stage(stage, work, timed))
    return found


def _stage(stage: Stage, work: Work, embedder: Embedder) -> Cost:
    engine = embedder.engine
    texts = work.data.passages()
    sample = drawn(texts, SAMPLE)
    lengths = [len(engine.encode(text[: 8 * stage.document_tokens])) for text in sample]
    mean = float(np.mean([min(length, stage.document_tokens) for length in lengths])) if lengths else 0.0
    if stage.objective == "mntp":
        count = max(1, int(sum(lengths) / max(len(sample), 1) * len(texts)) // stage.document_tokens)
        size, per_text = stage.batch, float(stage.document_tokens)
    else:
        count = len(texts) if stage.views == "twice" else work.data.pairs
        size, per_text = stage.batch, mean
        per_text *= 2 + (stage.negatives if any(p.negatives for rows in work.data.sets.values() for p in rows) else 0)
    steps = min(stage.steps or 10**9, max(1, count // size) * stage.epochs)
    tokens = int(steps * size * per_text)
    return Cost(stage.name, steps, size, tokens, PASSES[stage.objective] * tokens / _speed(embedder, sample))


def _speed(embedder: Embedder, texts: list[str]) -> float:
    """Tokens a second forward, by a few texts; the first pass, which sets things up, is not timed."""
    prompts = embedder.prompts("document", [text[:2000] for text in texts[:TIMED]])
    embedder.vectors(prompts[:2])
    begun = time.perf_counter()
    embedder.vectors(prompts)
    return sum(map(len, prompts)) / max(time.perf_counter() - begun, 1e-6)
