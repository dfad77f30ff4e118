"""Training runs of the pages: each is a process of the command line, watched through the files that it writes.

A run outlives the page, and the program that began it; it can be stopped, and begun again where it was. Knows no page.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from embedder.training.data import Data
    from indexer import Collection

Phase = Literal["running", "finished", "stopped", "failed"]
PLACE = "trained"  # under the home folder
WAYS = {  # how the command line names a way out: how a page does
    "give --trains lora": "choose “A small adapter” under “What learns”",
    "lower the rate with --rate": "choose a lower “Learning rate”",
    "or --batch less": "or choose a smaller batch",
    "give --data": "give, under “Pairs from a file or folder”,",
    "Name one with --split": "On the command line, name one with --split",
    "give another --out": "begin a new run",
}
_own: dict[int, subprocess.Popen[bytes]] = {}  # what this process began, so that its end is noticed


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One run. `folder` is the model's; `reason` why it failed; `rows` its steps so far."""

    name: str
    folder: Path
    recipe: str
    base: str
    phase: Phase
    reason: str
    rows: list[dict[str, Any]]
    words: tuple[str, ...]


def from_passages(collection: Collection, name: str, most: int = 0) -> Data:
    """A collection as training data: its passages as texts, and those that stand next to each other as pairs."""
    from embedder.training.data import Data, drawn, neighbours

    rows = collection.export()
    documents = [[row["text"][one["start"] : one["end"]] for one in row["chunks"]] for row in rows]
    if not any(documents):
        raise ValueError("the collection is empty: add a folder to it first")
    texts = list(dict.fromkeys(text for document in documents for text in document if text.strip()))
    pairs = drawn(neighbours(documents), most)
    return Data({"collection": pairs} if pairs else {}, drawn(texts, most), sources=[f"the collection {name}"])


def on_a_page(said: str) -> str:
    """A message of a training run with the way out that a page has."""
    for switch, widget in WAYS.items():
        said = said.replace(switch, widget)
    return said


def begin(home: Path, name: str, recipe: str, base: str, words: Sequence[str]) -> Path:
    """Start `twofold train RECIPE` with `words` as a process of its own, or start it again; the model's folder."""
    place = home / PLACE
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = place / name
    line = [sys.executable, "-c", "from app.cli import main; main()", "train", recipe, "--out", str(folder)]
    line += ["--model", base, "--home", str(home), *words]
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    with (place / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    _own[process.pid] = process
    told = {"pid": process.pid, "recipe": recipe, "base": base, "words": list(words), "begun": time.time()}
    (place / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def resume(home: Path, run: TrainingRun) -> Path:
    """Start a run again with the words it was begun with."""
    return begin(home, run.name, run.recipe, run.base, run.words)


def stop(home: Path, name: str) -> None:
    """Ask a run to stop after its step, as Ctrl-C does; it keeps a checkpoint."""
    told = _told(home / PLACE / f"{name}.json")
    if told and _alive(int(told["pid"])):
        os.kill(int(told["pid"]), signal.SIGINT)


def runs(home: Path) -> list[TrainingRun]:
    """All runs of a home, the newest first."""
    files = sorted((home / PLACE).glob("*.json"), key=lambda file: -file.stat().st_mtime)
    return [run for file in files if (run := _run(file)) is not None]


def free_name(home: Path, recipe: str) -> str:
    """A name for a new run: the recipe's, numbered."""
    number = 1
    while (home / PLACE / f"{recipe}-{number}.json").exists():
        number += 1
    return f"{recipe}-{number}"


def _run(file: Path) -> TrainingRun | None:
    from embedder.training.journal import read_journal

    told = _told(file)
    if not told:
        return None
    folder = file.with_suffix("")
    rows = read_journal(folder / "log.jsonl")
    phase, reason = _phase(folder, int(told["pid"]))
    return TrainingRun(file.stem, folder, told["recipe"], told["base"], phase, reason, rows, tuple(told["words"]))


def _phase(folder: Path, pid: int) -> tuple[Phase, str]:
    if _alive(pid):
        return "running", ""
    if (folder / "twofold.json").is_file():
        return "finished", ""
    log = folder.with_name(folder.name + ".log")
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.is_file() else []
    said = next((line.removeprefix("twofold: ") for line in reversed(lines) if line.startswith("twofold: ")), "")
    if said.startswith(("stopped", "stopping")):
        return "stopped", said
    return "failed", on_a_page(said) or (lines[-1] if lines else "it ended without a word")


def _told(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _alive(pid: int) -> bool:
    if pid in _own:
        return _own[pid].poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process has that number now
        return False
    return "train" in _line_of(pid)


def _line_of(pid: int) -> str:
    """How a process was started, where the system tells; its number may be another's by now."""
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace") if file.is_file() else "train"
