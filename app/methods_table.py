"""The methods as data and as the README's table, both made from the rows themselves. Knows no model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from embedder import METHODS, Method

HEADS = ("method", "query", "document", "pooling", "attention", "weights", "source")


def method_rows() -> list[dict[str, Any]]:
    """Every row with all its fields."""
    return [asdict(method) for method in METHODS.values()]


def markdown_table() -> str:
    """The table of the README: `twofold methods --markdown` prints it, and a test compares the two."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + " --- |" * len(HEADS)]
    lines += ["| " + " | ".join(_cells(method)) + " |" for method in METHODS.values()]
    return "\n".join(lines) + "\n"


def _cells(method: Method) -> list[str]:
    same = method.query == method.document
    return [
        f"`{method.name}`",
        _code(method.query),
        "the same" if same else _code(method.document),
        {"last": "last token", "mean": "mean", "ramp": "weighted mean"}[method.pool],
        "causal" if method.causal else "both ways",
        "trained for it" if method.trained else "any",
        method.source.replace("|", "\\|"),
    ]


def _code(template: str) -> str:
    """A template on one line, long demonstrations shortened, as code that a table can hold."""
    line = template.replace("\n", "\\n")
    if len(line) > 160:
        line = line[:100] + " … " + line[-50:]
    return "`" + line.replace("|", "\\|") + "`"
