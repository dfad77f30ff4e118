"""The methods' cards: as data, as the README's table and as the pages show them, all from the rows. Knows no model.

A card has where the method comes from and what it does; with a collection also what was measured with it here.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from embedder import ENCODERS, METHODS, Method

if TYPE_CHECKING:
    from indexer import Collection, Result, Space

HEADS = ("method", "query", "document", "pooling", "attention", "weights", "source")


POOLS = {"last": "last token", "mean": "mean", "ramp": "weighted mean"}


def card(method: Method) -> dict[str, Any]:
    """A row with all its fields, and what they mean in words."""
    words = {"pooling": POOLS[method.pool], "attention": "causal" if method.causal else "both ways"}
    return {**asdict(method), **words, "weights": "trained for it" if method.trained else "any"}


def cards(collection: Collection | None = None) -> list[dict[str, Any]]:
    """Every method's card; encoders are listed where the collection has vectors of them. "here": figures by model."""
    if collection is None:
        return [card(method) for method in METHODS.values()]
    from indexer import Results

    spaces = collection.spaces()
    results = Results(collection.catalogue).all()
    used = {space.method for space in spaces}
    known = [*METHODS.values(), *(row for row in ENCODERS.values() if row.name in used)]
    return [{**card(row), "here": [here(s, results) for s in spaces if s.method == row.name]} for row in known]


def here(space: Space, results: list[Result]) -> dict[str, Any]:
    """What a collection knows of one of its spaces: its size, its quality by set, its cost the last time."""
    own = [one for one in results if one.fingerprint == space.fingerprint]  # the newest first
    quality: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in own:
        value = one.metrics.get("ndcg@10")
        if value is not None:
            quality.setdefault((one.digest, one.mode, one.instruction), {
                "dataset": one.dataset, "mode": one.mode, "instruction": one.instruction, "queries": len(one.rows),
                "ndcg@10": round(value.value, 4), "interval": [round(value.low, 4), round(value.high, 4)],
                "created": one.created,
            })  # fmt: skip
    cost = next((one.cost for one in own if one.cost is not None and one.mode == "dense"), None)
    return {
        "model": space.model, "default": space.default, "dimensions": space.dim, "vectors": space.vectors,
        "missing": space.missing, "bytes": space.bytes, "untrained": space.untrained,
        "quality": list(quality.values()), "cost": asdict(cost) if cost else None,
    }  # fmt: skip


def markdown_table() -> str:
    """The table of the README: `twofold methods --markdown` prints it, and a test compares the two."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + " --- |" * len(HEADS)]
    lines += ["| " + " | ".join(_cells(method)) + " |" for method in METHODS.values()]
    return "\n".join(lines) + "\n"


def _cells(method: Method) -> list[str]:
    same = method.query == method.document
    told = card(method)
    return [
        f"`{method.name}`",
        _code(method.query),
        "the same" if same else _code(method.document),
        told["pooling"],
        told["attention"],
        told["weights"],
        method.source.replace("|", "\\|"),
    ]


def _code(template: str) -> str:
    """A template on one line, long demonstrations shortened, as code that a table can hold."""
    line = template.replace("\n", "\\n")
    if len(line) > 160:
        line = line[:100] + " … " + line[-50:]
    return "`" + line.replace("|", "\\|") + "`"
