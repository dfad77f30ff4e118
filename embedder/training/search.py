"""PromptEOL's in-context learning: every candidate demonstration is tried on a development set, the best is kept.

Nothing is trained. The result is a copy of the base (large files by a link) with the demonstration on its card.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from embedder.card import FILE, read_card
from embedder.embedder import combine
from embedder.engine import POCKET, open_engine
from embedder.hub import resolve
from embedder.method import with_demonstrations
from embedder.training.journal import Journal, Step
from embedder.training.loop import Stopped
from embedder.training.write import described

if TYPE_CHECKING:
    from embedder.training.work import Work

LINKED = 2**30  # bytes from which a file is linked, not copied
OWN = ("twofold.json", "README.md")


def demonstrations(work: Work) -> Path:
    """Try each (sentence, word) of the data; the folder of the base with the best one."""
    if work.dev is None:
        raise ValueError("a search for demonstrations needs --dev, such as a folder of sentence pairs with dev.tsv")
    candidates = [(pair.query, pair.positive) for rows in work.data.sets.values() for pair in rows]
    if not candidates:
        raise ValueError("a search for demonstrations needs --data with query (a sentence) and positive (one word)")
    candidates = candidates[: work.options.steps or len(candidates)]
    engine = open_engine(work.base, device=work.options.device, dtype=work.options.dtype)
    card = read_card(work.base)
    journal = Journal(work.out / "log.jsonl", "search", len(candidates))
    begun, done = time.monotonic(), len(journal.scores)
    for number, candidate in enumerate(candidates[done:], done + 1):
        if work.stop.is_set():
            raise Stopped(f"stopped after {number - 1} of {len(candidates)} demonstrations")
        row = with_demonstrations("prompteol", (candidate,))
        score = work.dev.score(combine(row, engine, card))
        here = time.monotonic() - begun
        eta = here / (number - done) * (len(candidates) - number)
        step = Step("search", number, len(candidates), -work.dev.sign * score, 0, round(here, 3), 0.0, 0.0, eta, score)
        journal.add(step)
        work.tell(step)
    best = max(range(len(candidates)), key=lambda n: work.dev.sign * journal.scores[n] if work.dev else 0.0)
    _write(work, candidates, journal.scores, best)
    engine.close()
    return work.out


def _write(work: Work, candidates: list[tuple[str, str]], scores: list[float], best: int) -> None:
    source = resolve(str(POCKET) if work.base == "pocket" else work.base)
    if source.adapters:
        raise ValueError(f"{work.base} is an adapter: merge it first, or search on its base")
    for file in source.folder.iterdir():
        if file.is_file() and file.name not in OWN:
            _take(file, work.out / file.name)
    assert work.dev is not None
    sentence, word = candidates[best]
    before = asdict(read_card(work.base))
    before.pop("text")
    card = before | {"method": "prompteol-icl", "instruction": "", "demonstrations": [[sentence, word]]}
    told = {
        "recipe": work.recipe.name, "base": work.base, "measure": work.dev.name, "best": scores[best],
        "tried": [{"sentence": s, "word": w, "score": x} for (s, w), x in zip(candidates, scores, strict=True)],
        "data": described(work),
    }  # fmt: skip
    (work.out / "training.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    text = (
        f"# {Path(work.base).name} with a demonstration searched for\n\n{work.recipe.title} ({work.recipe.source}). Of "
        f"{len(candidates)} demonstrations this one was best by {work.dev.name}, {scores[best]:.4f} (median "
        f"{sorted(scores)[len(scores) // 2]:.4f}):\n\n    {sentence} -> {word}\n\nNothing was trained: weights and "
        f"licence are the base's, `{work.base}`.\n"
    )
    (work.out / "README.md").write_text(text, encoding="utf-8")
    (work.out / FILE).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _take(file: Path, to: Path) -> None:
    if to.exists():
        return
    if file.stat().st_size < LINKED:
        shutil.copyfile(file, to)
    else:
        to.symlink_to(file.resolve())
