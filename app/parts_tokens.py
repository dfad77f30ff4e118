"""A prompt as people see it: its tokens with their weights, parts and what was cut. It knows no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app import parts

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from embedder.row import Side

BAR = 12  # characters of the longest bar
PART = {"text": "the text", "instruction": "the instruction", "template": "the template"}


def laid_open(embedder: Embedder, side: Side, text: str, instruction: str = "") -> dict[str, Any]:
    """A prompt token by token: where each came from, and its share of the vector; `cut` characters did not fit."""
    from embedder.inspecting import inspect

    given = instruction if side == "query" else ""
    seen = inspect(embedder, side, text, given)
    (prompt,) = embedder.prompts(side, [text], instruction=given)
    return {
        "method": embedder.method.name,
        "model": embedder.engine.name,
        "side": side,
        "attention": "causal" if embedder.method.causal else "both ways",
        "tokens": [{"id": one.id, "token": one.token, "part": one.part, "weight": one.weight} for one in seen],
        "cut": prompt.cut,
    }


def bar(share: float) -> str:
    """A weight as a share of the largest, 0 to 1, in block characters; what weighs anything shows something."""
    return "█" * max(round(share * BAR), int(share > 0))


def about(shown: Mapping[str, Any]) -> str:
    """One line under a prompt: how many tokens, which carry the vector, the attention, the instruction, the cut."""
    tokens, cut = shown["tokens"], shown["cut"]
    pooled = sum(token["weight"] > 0 for token in tokens)
    told = [f"{parts.plural(len(tokens), 'token')}, of which {pooled:,} carry the vector"]
    told.append(f"attention {shown['attention']}")
    asked = [at for at, token in enumerate(tokens) if token["part"] == "instruction"]
    if asked:
        told.append(f"the instruction is tokens {asked[0]} to {asked[-1]}")
    told.append(f"{parts.plural(cut, 'character')} of the text did not fit" if cut else "nothing was cut")
    return "; ".join(told) + "."


def shaded(tokens: Sequence[Mapping[str, Any]]) -> str:
    """Tokens as boxes: the bar under each is its weight, an instruction is slanted."""
    most = max((token["weight"] for token in tokens), default=0.0) or 1.0
    boxes = []
    for token in tokens:
        share = round(100 * token["weight"] / most)
        tint = f"background: color-mix(in srgb, var(--tf-accent) {share * 0.3:.0f}%, transparent); "
        line = f"border-color: color-mix(in srgb, var(--tf-accent) {share}%, var(--tf-line)); "
        slant = "font-style: italic; " if token["part"] == "instruction" else ""
        under = f"box-shadow: inset 0 -3px 0 color-mix(in srgb, var(--tf-accent) {share}%, transparent)"
        shown = parts.escaped(token["token"].replace("\n", "↵")) or "&nbsp;"
        hint = parts.escaped(f"{PART.get(token['part'], token['part'])}, weight {token['weight']:.4f}")
        boxes.append(f'<span class="tf-token" style="{tint}{line}{slant}{under}" title="{hint}">{shown}</span>')
    return f'<div class="tf-tokens">{"".join(boxes)}</div>'
