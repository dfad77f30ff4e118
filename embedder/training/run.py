"""A training run from a recipe to a model folder: stage after stage, each resumable, the result opened by --model.

It knows the embedder's modules and files of data; no collection, no screen.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from embedder import adapters
from embedder.card import Card, read_card
from embedder.embedder import Embedder, combine
from embedder.engine import open_engine
from embedder.loading import pick_device
from embedder.method import Method
from embedder.row import Side
from embedder.training import batches, search, write
from embedder.training.data import Data, Reply, coin, hold_out
from embedder.training.dev import Dev, held_out
from embedder.training.journal import read_journal
from embedder.training.loop import Controls, Loop
from embedder.training.losses import objective
from embedder.training.recipe import Stage
from embedder.training.student import Student
from embedder.training.trainable import prepare
from embedder.training.work import Options, Trained, Work, fitted, method_of
from embedder.transformers_engine import TransformersEngine

MICRO = {"cpu": 64, "cuda": 128, "mps": 64}  # texts at once to begin with; memory halves it where it must
MASKED_HELD_OUT = 32  # blocks


def train(work: Work) -> Path:
    """Run a recipe to its end, or go on with a run that was stopped; gives the model's folder."""
    held = hold_out(work.data) if work.dev is None else []
    _claim(work)
    kind = pick_device(work.options.device).type
    stages = [fitted(stage, work, kind) for stage in work.recipe.chosen(work.options.stages)]
    if any(stage.objective == "search" for stage in stages):
        return search.demonstrations(work)
    engine = opened(work.base, work.options, stages)
    card, row = read_card(work.base), method_of(work.recipe, engine)
    before = engine.attached
    done: list[Trained] = []
    kept: list[Path] = []
    for number, stage in enumerate(stages):
        last = number == len(stages) - 1
        folder = work.out if last else work.out / stage.name
        note = folder / "stage.json"
        if note.is_file():
            done.append(_read_note(note, stage))
            if stage.trains != "lora" and not last:
                engine.close()
                engine = opened(str(folder), work.options, stages)
        else:
            dev = work.dev or (held_out(held) if held else None)
            done.append(_run_stage(work, engine, row, card, stage, dev))
            _keep_stage(work, engine, stage, folder, kept, row)
            note.write_text(json.dumps(asdict(done[-1]), indent=1), encoding="utf-8")
        if stage.trains == "lora":
            kept.append(folder)
            engine.adapt(_after(before, list(kept)))
    write.model_card(work, row, engine, card, done)
    engine.close()
    shutil.rmtree(work.out / "checkpoints", ignore_errors=True)
    return work.out


def _after(before: Callable[[Any], None] | None, folders: list[Path]) -> Callable[[Any], None]:
    def attach(body: Any) -> None:
        if before is not None:
            before(body)
        adapters.attach(body, folders)

    return attach


def opened(base: str, options: Options, stages: list[Stage]) -> TransformersEngine:
    """The base as it is trained: float32 where its own weights move or on a CPU, else the device's own format."""
    whole = any(stage.trains != "lora" for stage in stages)
    dtype = "float32" if whole and options.dtype == "auto" else options.dtype
    engine = open_engine(base, device=options.device, dtype=dtype)
    if not isinstance(engine, TransformersEngine):
        raise ValueError(f"{base} is no decoder opened by transformers; only those are trained (no GGUF, no encoder)")
    if whole and engine.attached is not None:
        raise ValueError(f"{base} is an adapter, so only another adapter can be trained on it: give --trains lora")
    return engine


def _run_stage(
    work: Work, engine: TransformersEngine, row: Method, card: Card, stage: Stage, dev: Dev | None
) -> Trained:
    options = work.options
    prepare(engine, stage, seed=options.seed, checkpointing=options.checkpointing)
    student = student_of(engine, row, stage, card)
    if stage.objective == "mntp":
        texts = work.data.passages()
        held = {text for text in texts if coin(text, "masked") < 0.05} or set(texts[:1])
        planned = batches.masked(engine, [text for text in texts if text not in held], stage, seed=options.seed)
        dev = masked_dev(student, sorted(held), stage)
    else:
        replies = work.data.replies or [Reply(text) for text in work.data.passages()[:5000]]
        given = replies if stage.objective == "joint" else ()
        planned = batches.contrast(student, work.data, stage, seed=options.seed, replies=given)
    kind = torch.device(engine.device).type
    loss = objective(student, stage, options.micro or MICRO[kind])
    controls = Controls(work.out, options.every, options.patience, options.seed, dev, work.stop, work.tell)
    first = dev.score(student.embedder) if dev else None
    loop = Loop(student, loss, planned, stage, controls).run()
    losses = [step["loss"] for step in _own(work.out, stage)]
    scores = loop.journal.scores
    best = max(scores, key=lambda s: dev.sign * s) if dev and scores else None
    found = (first, best) if first is not None and best is not None else None
    return Trained(stage, len(losses), (losses[0], losses[-1]), found, dev.name if dev else "")


def student_of(engine: TransformersEngine, row: Method, stage: Stage, card: Card) -> Student:
    """The embedder that learns; bfloat16 products on a GPU."""
    embedder = combine(row, engine, Card(limit=card.limit, chunk_tokens=card.chunk_tokens))
    lengths: dict[Side, int] = {"query": stage.query_tokens, "document": stage.document_tokens}
    half = torch.device(engine.device).type == "cuda" and torch.cuda.is_bf16_supported()
    return Student(embedder, lengths, bfloat16=half)


def masked_dev(student: Student, texts: list[str], stage: Stage) -> Dev:
    """The masked loss of texts that are not trained on, with the same tokens hidden each time."""
    held = replace(stage, batch=8, steps=MASKED_HELD_OUT // 8, epochs=1)
    engine: Any = student.embedder.engine
    planned = batches.masked(engine, texts, held, seed=1)
    loss = objective(student, stage, 8)

    def score(_: Embedder) -> float:
        with torch.no_grad():
            rows = [planned.collate([planned.rows[n] for n in numbers]) for numbers in planned.plan]
            return sum(float(loss(row)) for row in rows) / len(rows)

    return Dev("masked loss of held-out text", score, sign=-1)


def _keep_stage(
    work: Work, engine: TransformersEngine, stage: Stage, folder: Path, kept: list[Path], row: Method
) -> None:
    """A stage's result: its adapter, or the whole model."""
    folder.mkdir(parents=True, exist_ok=True)
    if stage.trains != "lora":
        engine.model.save_pretrained(str(folder))
        engine.tokenizer.save_pretrained(str(folder))
        return
    base = f"./{kept[-1].name}" if kept and folder == work.out else ""
    if not base:
        place = Path(work.base).expanduser()
        base = str(kept[-1].resolve()) if kept else str(place.resolve()) if place.exists() else work.base
    write.adapter(engine.body(causal=row.causal), stage.name, base, folder)
    engine.tokenizer.save_pretrained(str(folder))


def _claim(work: Work) -> None:
    """Make the folder this run's own; a folder of another run, or of a finished one, is refused."""
    told: dict[str, Any] = {
        "recipe": work.recipe.name,
        "base": work.base,
        "options": asdict(work.options),
        "data": digest(work.data),
    }
    for free in ("device", "micro", "patience", "checkpointing"):
        told["options"].pop(free)  # they change no weight
    told = json.loads(json.dumps(told))
    file = work.out / "run.json"
    if (work.out / "twofold.json").is_file():
        raise ValueError(f"{work.out} holds a finished model; give another --out")
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
        if before != told:
            wrong = [key for key in told if before.get(key) != told[key]]
            raise ValueError(
                f"{work.out} holds a run with another {', '.join(wrong)}; start it as it was begun, or give another"
                " --out"
            )
        return
    if work.out.is_dir() and any(work.out.iterdir()):
        raise ValueError(f"{work.out} is not empty and holds no run; give another --out")
    work.out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=1), encoding="utf-8")


def digest(data: Data) -> str:
    """What tells this data from any other."""
    found = hashlib.sha256()
    for name, pairs in sorted(data.sets.items()):
        found.update(repr((name, len(pairs), pairs[:1], pairs[-1:])).encode("utf-8", "replace"))
    found.update(repr((len(data.texts), data.texts[:1], data.texts[-1:], len(data.replies))).encode("utf-8", "replace"))
    return found.hexdigest()[:16]


def _own(out: Path, stage: Stage) -> list[dict[str, Any]]:
    return [row for row in read_journal(out / "log.jsonl") if row["stage"] == stage.name]


def _read_note(file: Path, stage: Stage) -> Trained:
    told = json.loads(file.read_text(encoding="utf-8"))
    return Trained(stage, told["steps"], tuple(told["loss"]), told["score"] and tuple(told["score"]), told["measure"])
