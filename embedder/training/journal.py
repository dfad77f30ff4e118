"""A run's steps as JSON lines, written as they are taken and read by whoever watches. It loads no library."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step told: `loss` of its batch; `score` where one was taken; `eta_s` to the end of the stage."""

    stage: str
    step: int
    steps: int
    loss: float
    tokens: int
    seconds: float
    rate: float
    tokens_per_s: float = 0.0
    eta_s: float = 0.0
    score: float | None = None
    micro: int = 0


class Journal:
    """The steps of a run as JSON lines; what came after the checkpoint that a run goes on from is dropped."""

    def __init__(self, file: Path, stage: str, step: int) -> None:
        self.file, self.stage = file, stage
        kept = [row for row in read_journal(file) if row["stage"] != stage or row["step"] <= step]
        file.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        own = [row for row in kept if row["stage"] == stage]
        self.scores = [row["score"] for row in own if row.get("score") is not None]
        self.seconds = float(own[-1]["seconds"]) if own else 0.0

    def add(self, step: Step) -> None:
        """Write a step down at once."""
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(step)) + "\n")
        if step.score is not None:
            self.scores.append(step.score)


def read_journal(file: Path) -> list[dict[str, Any]]:
    """The steps written down so far; a last line that a kill cut short is left out."""
    rows: list[dict[str, Any]] = []
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
    return rows
