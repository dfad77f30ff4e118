"""What a run leaves: its adapter, a card that Twofold reads, one that a person reads, and a picture of the curve.

The folder is a model like any other: `--model DIR` opens it with its method.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file

from embedder.card import FILE, Card
from embedder.hub import resolve
from embedder.method import Method
from embedder.training.journal import read_journal
from embedder.training.picture import curve
from embedder.training.recipe import Stage
from embedder.transformers_engine import TransformersEngine
from embedder.weights import content

if TYPE_CHECKING:
    from embedder.training.work import Trained, Work


def adapter(body: Any, name: str, base: str, folder: Path) -> None:
    """Write the adapter called `name` as peft would, for `base`: a folder, a hub id, or ./FOLDER beside it."""
    from peft import get_peft_model_state_dict

    config = body.peft_config[name]
    config.base_model_name_or_path = base
    config.inference_mode = True
    config.save_pretrained(str(folder))
    state = get_peft_model_state_dict(body, adapter_name=name, save_embedding_layers=False)
    named = {
        f"base_model.model.{key.removeprefix('base_model.model.')}": weight.detach().cpu().contiguous()
        for key, weight in state.items()
    }
    save_file(named, str(folder / "adapter_model.safetensors"))


def model_card(work: Work, row: Method, engine: TransformersEngine, base: Card, done: Sequence[Trained]) -> None:
    """The cards and the picture; twofold.json is written last, so a folder that has one is whole."""
    apart = all(one.stage.trains == "lora" for one in done)
    joint = any(one.stage.objective == "joint" for one in done)
    card = {
        "method": row.name,
        "instruction": row.instruction,
        "writes": bool(engine.writes and base.writes and (apart or joint)),
        "rerank": False,
        "chunk_tokens": base.chunk_tokens,
        "limit": base.limit,
    }
    if apart:
        below = resolve(work.base)
        card["base_weights"] = "+".join(content(folder) for folder in (below.folder, *below.adapters))
    steps = read_journal(work.out / "log.jsonl")
    (work.out / "training.svg").write_text(curve(steps), encoding="utf-8")
    told = {
        "recipe": work.recipe.name, "source": work.recipe.source, "base": work.base, "method": row.name,
        "stages": [asdict(one) for one in done], "data": described(work), "seed": work.options.seed,
    }  # fmt: skip
    (work.out / "training.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    (work.out / "README.md").write_text(readme(work, row, bool(card["writes"]), done, steps), encoding="utf-8")
    (work.out / FILE).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def described(work: Work) -> dict[str, Any]:
    """How much of what was learnt from."""
    sets = {name: len(pairs) for name, pairs in work.data.sets.items()}
    return {"sources": work.data.sources, "pairs": sets, "texts": len(work.data.texts)}


def readme(work: Work, row: Method, writes: bool, done: Sequence[Trained], steps: Sequence[dict[str, Any]]) -> str:
    """The card for people, in Markdown."""
    told = described(work)
    role = "It embeds through an adapter beside the base's weights; the base itself goes on writing unchanged."
    if not writes:
        role = "It embeds; it was not trained to write."
    lines = [
        f"# {Path(work.base).name or work.base}, trained by the recipe {work.recipe.name}", "",
        f"{work.recipe.title} ({work.recipe.source}). Method: `{row.name}`. Base: `{work.base}`. {role}", "",
        f"Made by `twofold train {work.recipe.name}` on {time.strftime('%Y-%m-%d')}, seed {work.options.seed}.", "",
        "| stage | objective | trains | steps | batch | rate | loss first → last | score first → best |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(one) for one in done), "",
        *(f"- {one.stage.name} is scored by {one.measure}." for one in done if one.measure), "",
        "![loss and score](training.svg)", "", "## Other than in the paper", "",
        *(changed(work, done) or ["Nothing: the row was run as it stands."]), "", "## Data", "",
        *(f"- {source}" for source in told["sources"]),
        f"- pairs by set: {', '.join(f'{name} {count:,}' for name, count in told['pairs'].items()) or 'none'}; "
        f"plain texts: {told['texts']:,}", "", "## Licence", "",
        "The weights come under the licence of the base and the terms of the data above; see to both before you pass "
        "them on. Nothing about the data's licence was checked beyond what stands here.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _line(one: Trained) -> str:
    stage = one.stage
    score = f"{one.score[0]:.4f} → {one.score[1]:.4f}" if one.score else "–"
    loss = f"{one.loss[0]:.3f} → {one.loss[1]:.3f}"
    return (
        f"| {stage.name} | {stage.objective} | {stage.trains} | {one.steps:,} | {stage.batch:,} | {stage.rate:g} |"
        f" {loss} | {score} |"
    )


def changed(work: Work, done: Sequence[Trained]) -> list[str]:
    """Where a stage was run with other figures than its row has."""
    rows: dict[str, Stage] = {stage.name: stage for stage in work.recipe.stages}
    found = []
    for one in done:
        before, now = asdict(rows[one.stage.name]), asdict(one.stage)
        now["steps"] = one.steps
        changes = [f"{key} {now[key]} (row: {before[key]})" for key in now if now[key] != before[key]]
        changes = [change for change in changes if not change.startswith("epochs 1000000")]
        if changes:
            found.append(f"- {one.stage.name}: {', '.join(changes)}")
    return found
