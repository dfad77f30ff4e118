"""Data into batches: which rows meet in one, and what a model is given of them. All of it follows from the seed.

Every batch is of one data set, and no text stands in it twice (both by sentence-transformers' samplers), so a
negative of the batch is never the positive. It knows no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler, ProportionalBatchSampler
from torch.utils.data import BatchSampler, ConcatDataset, Dataset

from embedder.training.data import Data, Pair, Reply
from embedder.training.mntp import Corruption, blocks, corrupt, corruption_of, mask_token
from embedder.training.recipe import Stage
from embedder.training.student import Student
from embedder.transformers_engine import TransformersEngine

Batch = dict[str, Any]


@dataclass(slots=True)
class Planned:
    """All batches of a stage in order, each as numbers of rows, and what makes a batch of rows."""

    rows: Any
    plan: list[list[int]]
    collate: Callable[[list[Any]], Batch]

    def __len__(self) -> int:
        """How many batches."""
        return len(self.plan)


class Rows(Dataset[dict[str, Any]]):
    """Pairs of one data set with the same number of negatives, as the samplers read them."""

    column_names = ("query", "positive", "negatives")

    def __init__(self, pairs: Sequence[Pair], negatives: int) -> None:
        self.pairs, self.negatives = pairs, negatives

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The texts by column."""
        pair = self.pairs[number]
        names = {f"negative{n}": text for n, text in enumerate(pair.negatives[: self.negatives])}
        return {"query": pair.query, "positive": pair.positive, **names}


class Concat(ConcatDataset[Any]):
    """Rows of all sets by one number, as pairs."""

    def __getitem__(self, number: int) -> Pair:
        """The pair, with as many negatives as its set counts."""
        at = next(n for n, end in enumerate(self.cumulative_sizes) if number < end)
        rows: Any = self.datasets[at]
        pair: Pair = rows.pairs[number - (self.cumulative_sizes[at] - len(rows))]
        return Pair(pair.query, pair.positive, pair.negatives[: rows.negatives], pair.instruction)


def groups(sets: dict[str, list[Pair]], negatives: int) -> list[Rows]:
    """A group for each data set, number of negatives and instruction, all of which a batch has in common."""
    found: dict[tuple[str, int, str], list[Pair]] = {}
    for name, pairs in sets.items():
        for pair in pairs:
            found.setdefault((name, min(len(pair.negatives), negatives), pair.instruction), []).append(pair)
    return [Rows(pairs, count) for (_, count, _), pairs in sorted(found.items()) if len(pairs) > 1]


def plan(sets: Sequence[Rows], size: int, *, seed: int, epochs: int, steps: int) -> list[list[int]]:
    """Batches of at most `size` rows for `epochs` passes, `steps` at most (0: as many as there are)."""
    found: list[list[int]] = []
    generator = torch.Generator()
    samplers = [
        NoDuplicatesBatchSampler(rows, min(size, len(rows)), drop_last=True, generator=generator, seed=seed)
        for rows in sets
    ]
    apart: list[BatchSampler] = [*samplers]
    every = ProportionalBatchSampler(Concat(list(sets)), apart, generator=generator, seed=seed)
    for epoch in range(epochs):
        every.set_epoch(epoch)
        for sampler in samplers:
            sampler.set_epoch(epoch)
        found += [list(batch) for batch in every]
        if steps and len(found) >= steps:
            return found[:steps]
    return found


def contrast(student: Student, data: Data, stage: Stage, *, seed: int, replies: Sequence[Reply] = ()) -> Planned:
    """Batches of pairs, or of texts twice; with `replies`, each batch also has some to write."""
    texts = data.passages() if stage.views == "twice" else []
    sets = groups({"texts": [Pair(text, text) for text in texts]} if texts else data.sets, stage.negatives)
    if not sets:
        raise ValueError(
            "no pairs to train on: give --data rows with query and positive, a BEIR folder, or a folder of text"
        )
    rows = Concat(list(sets))
    planned = plan(sets, stage.batch, seed=seed, epochs=stage.epochs, steps=stage.steps)
    if not planned:
        raise ValueError(f"too few different texts for one batch of {stage.batch}: give more data, or --batch less")

    def collate(pairs: list[Pair]) -> Batch:
        instruction = pairs[0].instruction
        if stage.views == "twice":
            columns = [student.features("document", [pair.query for pair in pairs])] * 2
        else:
            columns = [student.features("query", [pair.query for pair in pairs], instruction)]
            columns.append(student.features("document", [pair.positive for pair in pairs]))
            for n in range(len(pairs[0].negatives)):
                columns.append(student.features("document", [pair.negatives[n] for pair in pairs]))
        batch: Batch = {"columns": columns, "tokens": sum(int(c["attention_mask"].sum()) for c in columns)}
        if replies:
            given = _draw(replies, max(1, round(len(pairs) * stage.generate_share)), pairs[0].query, seed)
            batch["replies"] = written(student, given, stage.document_tokens)
            batch["tokens"] += int(batch["replies"]["attention_mask"].sum())
        return batch

    return Planned(rows, planned, collate)


def _draw(replies: Sequence[Reply], count: int, key: str, seed: int) -> list[Reply]:
    """Some replies, by the batch's first query: the same again in a run that goes on later."""
    chance = np.random.default_rng([seed, *key.encode("utf-8", "replace")[:64]])
    return [replies[int(n)] for n in chance.integers(0, len(replies), count)]


def written(student: Student, replies: Sequence[Reply], limit: int) -> dict[str, torch.Tensor]:
    """Replies as ids, mask and labels: only what is written counts, and the end token after it."""
    engine: Any = student.embedder.engine
    begin, end = engine.special("bos"), engine.special("eos")
    rows: list[tuple[list[int], int]] = []
    for reply in replies:
        prompt = begin + (_prompt(engine, reply.prompt) if reply.prompt else [])
        prompt = prompt[: max(limit // 2, 1)]
        rows.append(((prompt + engine.encode(reply.text))[: limit - 1] + end, len(prompt)))
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for n, (row, start) in enumerate(rows):
        ids[n, : len(row)], mask[n, : len(row)] = torch.tensor(row), 1
        labels[n, start : len(row)] = torch.tensor(row[start:])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _prompt(engine: Any, text: str) -> list[int]:
    """GritLM's chat form in plain characters."""
    ids: list[int] = engine.encode(f"<|user|>\n{text}\n<|assistant|>\n")
    return ids


def masked(engine: TransformersEngine, texts: Sequence[str], stage: Stage, *, seed: int) -> Planned:
    """Batches of blocks with hidden tokens; each time a block comes, others are hidden."""
    found = blocks(texts, engine, min(stage.document_tokens, engine.context), most=stage.steps * stage.batch)
    if not found:
        raise ValueError("no text to train on: give --data a folder of text or rows with a text")
    per_epoch = max(len(found) // stage.batch, 1)
    steps = min(stage.steps or per_epoch * stage.epochs, per_epoch * stage.epochs)
    size = min(stage.batch, len(found))
    passes = -(-steps * size // len(found))
    order = [int(n) for each in range(passes) for n in np.random.default_rng([seed, each]).permutation(len(found))]
    rule, mask = corruption_of(engine.model.config.model_type), mask_token(engine)

    def collate(numbers: list[int]) -> Batch:
        chosen = [(found[order[n]], np.random.default_rng([seed, n])) for n in numbers]
        return hidden([ids for ids, _ in chosen], [chance for _, chance in chosen], rule, mask, engine)

    batches = [list(range(step * size, (step + 1) * size)) for step in range(steps)]
    return Planned(range(steps * size), batches, collate)


def hidden(
    rows: Sequence[Sequence[int]],
    chances: Sequence[np.random.Generator],
    rule: Corruption,
    mask: int,
    engine: TransformersEngine,
) -> Batch:
    """Rows as ids with tokens hidden, mask and labels, padded on the right."""
    size = engine.model.get_input_embeddings().weight.shape[0]
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    seen, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for n, (row, chance) in enumerate(zip(rows, chances, strict=True)):
        shown, wanted = corrupt(row, rule, mask, size, chance)
        ids[n, : len(row)], labels[n, : len(row)] = torch.tensor(shown), torch.tensor(wanted)
        seen[n, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": seen, "labels": labels, "tokens": int(seen.sum())}
