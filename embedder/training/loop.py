"""The loop of a stage: transformers' Trainer over batches planned beforehand, with what a person's run needs.

Each step is told and written down; a checkpoint holds only what learns; a run that was killed goes on to the same
curve; where memory runs out, fewer texts go through the model at once.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from embedder.training.batches import Planned
from embedder.training.dev import Dev, quietly
from embedder.training.journal import Journal, Step
from embedder.training.losses import Contrast, Joint, Masked
from embedder.training.recipe import Stage
from embedder.training.student import Student

LOG = logging.getLogger(__name__)
WEIGHTS = "trained.safetensors"
NEEDED = (WEIGHTS, "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
Objective = Contrast | Masked | Joint


@dataclass(slots=True)
class Controls:
    """How a loop is run: `every` how many steps it is scored and kept, `patience` how many scores may bring nothing."""

    folder: Path
    every: int = 50
    patience: int = 0
    seed: int = 0
    dev: Dev | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[Step], None] = lambda step: None


class Stopped(RuntimeError):
    """The run was asked to stop; it goes on from its last checkpoint when it is started again."""


class Loop(Trainer):
    """A stage under way."""

    def __init__(self, student: Student, loss: Objective, planned: Planned, stage: Stage, controls: Controls) -> None:
        self.student, self.loss, self.planned, self.controls, self.stage = student, loss, planned, controls, stage
        self.told: tuple[float, int] = (0.0, 0)
        kept = controls.folder / "checkpoints" / stage.name
        every = max(1, min(controls.every, len(planned)))
        warm_up = min(stage.warm_up, len(planned) // 5)  # a short run would otherwise never reach its rate
        arguments = TrainingArguments(
            output_dir=str(kept), max_steps=len(planned), learning_rate=stage.rate, warmup_steps=warm_up,
            lr_scheduler_type=stage.schedule, weight_decay=stage.decay, seed=controls.seed, save_strategy="steps",
            save_steps=every, save_total_limit=2, logging_strategy="no", report_to=[], disable_tqdm=True,
            per_device_train_batch_size=1, remove_unused_columns=False, max_grad_norm=1.0,
            dataloader_num_workers=0, use_cpu=str(student.embedder.engine.device).startswith("cpu"),
        )  # fmt: skip
        if arguments.device.type == "cuda":
            arguments._n_gpu = 1  # a gradient cache does not go with copies of the model on several devices
        self.last = last_checkpoint(kept)
        self.journal = Journal(controls.folder / "log.jsonl", stage.name, step_of(self.last))
        super().__init__(model=loss, args=arguments, train_dataset=planned.rows, callbacks=[_Watch(self, every)])
        self.remove_callback(PrinterCallback)

    def run(self) -> Loop:
        """To the end, an early end, or Stopped; the best weights are in the model then."""
        self.train(resume_from_checkpoint=str(self.last) if self.last else None)
        self.student.eval()
        if self.controls.stop.is_set() and self.state.global_step < len(self.planned):
            raise Stopped(f"stopped at step {self.state.global_step} of {len(self.planned)} ({self.stage.name})")
        best = self.controls.folder / "checkpoints" / f"{self.stage.name}-best.safetensors"
        if best.is_file():
            restore(self.loss, self.student, best)
        return self

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches in the planned order."""
        collate = self.planned.collate
        return DataLoader(self.planned.rows, batch_sampler=self.planned.plan, collate_fn=collate)

    def _prepare_inputs(self, inputs: Any) -> Any:
        return inputs  # nested; the student puts them on its device

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> torch.Tensor:
        """What the stage's objective says."""
        return torch.as_tensor(model(inputs))

    def training_step(self, model: Any, inputs: Any, *rest: Any, **options: Any) -> torch.Tensor:
        """A step; memory that runs out halves what goes through the model at once, for this step and those after."""
        state = torch.get_rng_state()
        while True:
            try:
                loss = super().training_step(model, inputs, *rest, **options)
                self.told = (float(loss), int(inputs["tokens"]))
                return loss
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                self._lower(inputs, error)
            model.zero_grad(set_to_none=True)
            torch.set_rng_state(state)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _lower(self, inputs: Any, error: BaseException) -> None:
        rows = len(inputs["columns"][0]["input_ids"]) if "columns" in inputs else len(inputs["input_ids"])
        size = min(self.loss.micro, rows * len(inputs.get("columns", (1,))))
        if size <= 1:
            raise ValueError("one text alone does not fit the memory: shorten texts, or take a smaller base") from error
        self.loss.micro = size // 2
        LOG.warning("out of memory: %d texts at once instead of %d", self.loss.micro, size)

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        """AdamW over what learns; only matrices decay."""
        learning = list(trained(self.loss, self.student).values())
        groups = [
            {"params": [w for w in learning if w.ndim > 1], "weight_decay": self.stage.decay},
            {"params": [w for w in learning if w.ndim <= 1], "weight_decay": 0.0},
        ]
        if not learning:
            raise ValueError(f"{self.stage.name} trains {self.stage.trains}, and this model has none of it")
        self.optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self.stage.rate)
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        keep(self.loss, self.student, Path(output_dir or str(self.args.output_dir)) / WEIGHTS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        restore(self.loss, self.student, Path(resume_from_checkpoint) / WEIGHTS)


class _Watch(TrainerCallback):
    """Tells and writes down each step, scores every so often, and ends what brings nothing any more."""

    def __init__(self, loop: Loop, every: int) -> None:
        self.loop, self.every = loop, every
        self.begun, self.steps, self.tokens = time.monotonic(), 0, 0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The clock starts; a later start of the same run tells its own speed."""
        self.begun = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the weights have moved."""
        loop, controls = self.loop, self.loop.controls
        loss, tokens = loop.told
        self.steps, self.tokens = self.steps + 1, self.tokens + tokens
        score = self._score(state) if controls.dev and self._due(state) else None
        here = time.monotonic() - self.begun
        rate = float(loop.lr_scheduler.get_last_lr()[0]) if loop.lr_scheduler else 0.0
        row = Step(
            loop.stage.name, state.global_step, len(loop.planned), loss, tokens, round(loop.journal.seconds + here, 3),
            rate=rate, tokens_per_s=self.tokens / here, score=score, micro=loop.loss.micro,
            eta_s=here / self.steps * (len(loop.planned) - state.global_step),
        )  # fmt: skip
        if not math.isfinite(loss):
            raise ValueError(f"the loss is {loss} at step {state.global_step}: lower the rate with --rate")
        loop.journal.add(row)
        controls.tell(row)
        if controls.stop.is_set() or (score is not None and self._tired()):
            control.should_training_stop = control.should_save = True

    def _due(self, state: Any) -> bool:
        return bool(state.global_step % self.every == 0 or state.global_step == len(self.loop.planned))

    def _score(self, state: Any) -> float:
        loop, dev = self.loop, self.loop.controls.dev
        assert dev is not None
        loop.student.eval()
        value = quietly(lambda: dev.score(loop.student.embedder))
        scores = loop.journal.scores
        if dev.better(value, max(scores, key=lambda s: dev.sign * s) if scores else None):
            best = loop.controls.folder / "checkpoints" / f"{loop.stage.name}-best.safetensors"
            keep(loop.loss, loop.student, best)
        return value

    def _tired(self) -> bool:
        """Whether the last `patience` scores were no better than the best before them."""
        controls, scores = self.loop.controls, self.loop.journal.scores
        if not controls.patience or len(scores) <= controls.patience or controls.dev is None:
            return False
        ordered = [controls.dev.sign * score for score in scores]
        return bool(max(ordered[-controls.patience :]) <= max(ordered[: -controls.patience]))


def trained(loss: Objective, student: Student) -> dict[str, torch.nn.Parameter]:
    """What learns, by name: the model's part, and a temperature if the loss learns one."""
    own = {f"loss.{name}": weight for name, weight in loss.named_parameters() if name.endswith("tau")}
    return {**student.trained(), **own}


def keep(loss: Objective, student: Student, file: Path) -> None:
    """Write what learns, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    weights = trained(loss, student).items()
    save_file({name: weight.detach().cpu().contiguous() for name, weight in weights}, str(part))
    part.replace(file)


def restore(loss: Objective, student: Student, file: Path) -> None:
    """Read back what `keep` wrote."""
    known, found = trained(loss, student), load_file(str(file))
    if set(known) != set(found):
        raise ValueError(f"{file} is of another run: it holds {len(found)} weights, {len(known)} are trained here")
    with torch.no_grad():
        for name, weight in known.items():
            weight.copy_(found[name])


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written to its end."""
    whole = [one for one in folder.glob("checkpoint-*") if all((one / name).is_file() for name in NEEDED)]
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path | None) -> int:
    """The step a checkpoint was taken at; 0 for none."""
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on an accelerator or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
