"""What a model says about itself: the method it was trained for, whether it writes, its sizes. No weights are read."""

import json
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from embedder.checkpoints import find_checkpoint
from embedder.engine import POCKET
from embedder.gguf_header import read_header

FILE = "twofold.json"
KEY, KEY_OF_TEXT = "twofold.card", "twofold.readme"  # where a GGUF file has the same


@dataclass(frozen=True, slots=True)
class Card:
    """A model's card; the defaults are what is assumed of a model without one.

    `method` is the row it was trained for ("" when none is named); `dimensions` the widths its vectors can be cut to;
    `surround` the weight of a passage's neighbours in its place in an index (`Embedder.placed`); `base_weights` what
    an adapter was trained on, folder by folder (`weights.content`, joined by "+"; "" where it is not known).
    """

    method: str = ""
    instruction: str = ""
    writes: bool = True
    rerank: bool = False
    dimensions: tuple[int, ...] = ()
    chunk_tokens: int = 256
    surround: float = 0.0
    limit: int = 0
    demonstrations: tuple[tuple[str, ...], ...] = ()
    base_weights: str = ""
    text: str = field(default="", repr=False)


def read_card(model: str = "pocket") -> Card:
    """The card of a folder (twofold.json beside README.md), a GGUF file, a published checkpoint, or the defaults."""
    if model.lower().endswith(".gguf"):
        return _of_file(Path(model).expanduser())
    folder = POCKET if model == "pocket" else Path(model)
    if not (folder / FILE).is_file():
        row = find_checkpoint(model)
        known = Card(writes=not (folder / "modules.json").is_file())  # sentence-transformers' models only embed
        if row:
            known = Card(row.method, row.instruction, writes=row.writes, limit=row.limit)
        return replace(known, text=_readme(folder))
    values = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return Card(**_checked(values, folder / FILE), text=_readme(folder))


def _of_file(path: Path) -> Card:
    """What the metadata of a GGUF file carries, else the checkpoint that its name says it was made from."""
    if path.is_file():
        known = path.stat()
        own = _in_file(path, known.st_mtime_ns, known.st_size)
        if own is not None:
            return own
    row = find_checkpoint(str(path))
    return Card(row.method, row.instruction, writes=row.writes, limit=row.limit) if row else Card()


@lru_cache(maxsize=16)
def _in_file(path: Path, _changed: int, _size: int) -> Card | None:
    """The card in a file's metadata, if any; pages ask often, and a header has a whole vocabulary in it."""
    header = read_header(path)
    own = header.get(KEY)
    return Card(**_checked(json.loads(own), path), text=header.get(KEY_OF_TEXT, "")) if own else None


def _readme(folder: Path) -> str:
    readme = folder / "README.md"
    return readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""


def _checked(values: dict[str, Any], path: Path) -> dict[str, Any]:
    known = {item.name for item in fields(Card)} - {"text"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{path}: unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if "dimensions" in values:
        values["dimensions"] = tuple(values["dimensions"])
    if "demonstrations" in values:
        values["demonstrations"] = tuple(tuple(str(part) for part in one) for one in values["demonstrations"])
    return dict(values)
