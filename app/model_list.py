"""What is known of models without loading them: their files, their cards, and the collections made with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.known_models import BUNDLED, noted, place_of
from app.settings import Settings
from embedder import Card, read_card
from embedder.engine import POCKET
from embedder.gguf_header import read_header
from embedder.weights import read_json


def describe(model: str) -> dict[str, Any]:
    """A model's facts from its folder or file and its card; a hub id that is not here has only its name."""
    folder = _place(model)
    card = read_card(BUNDLED if model == BUNDLED else str(folder))
    config = _config(folder)
    context = config.get("max_position_embeddings") or config.get("n_positions") or 0
    return {
        "model": model,
        "path": str(folder) if folder.exists() else "",
        **({"base": config["base"]} if "base" in config else {}),
        "method": card.method,
        "writes": card.writes,
        "rerank": card.rerank,
        "dim": config.get("hidden_size") or config.get("n_embd") or 0,
        "context": context,
        "limit": card.limit or context,
        "layers": config.get("num_hidden_layers") or config.get("n_layer") or 0,
        "architecture": ", ".join(config.get("architectures") or []),
        "bytes": _bytes(folder),
        "used_by": [],
        "card": card.text,
    }


def described(settings: Settings, model: str) -> dict[str, Any]:
    """The facts of a model by place or by the name it has here; ValueError where nothing is known of it."""
    place = noted(settings.home, model)
    there = model == BUNDLED or Path(place).expanduser().exists()
    used = [] if there else list(_used(settings.home))
    if not there and model not in used and read_card(place) == Card():
        here = ", ".join(dict.fromkeys([BUNDLED, *used]))
        raise ValueError(
            f"there is no folder or file {model}, and the models known here are {here}; "
            "a model of a hub is known here once it was opened with --model"
        )
    return {**describe(place), "model": model}


def known_models(settings: Settings) -> list[dict[str, Any]]:
    """The bundled model, then every other one that a collection in this home was made with."""
    used = _used(settings.home)
    rows = []
    for model in [BUNDLED, *sorted(set(used) - {BUNDLED})]:
        row = {**describe(noted(settings.home, model)), "model": model}
        row.pop("card")
        rows.append({**row, "used_by": used.get(model, [])})
    return rows


def _config(folder: Path, stages: int = 4) -> dict[str, Any]:
    """The configuration of a folder or, for an adapter, of its base; `stages` ends a chain that bites its own tail."""
    if folder.is_file():
        return _metadata(folder)
    if config := read_json(folder / "config.json"):
        return config
    base = str(read_json(folder / "adapter_config.json").get("base_model_name_or_path") or "")
    if not base or not stages:
        return {}
    below = folder / base if base.startswith("./") else _place(base)  # an earlier stage lies in its folder
    return {**_config(below, stages - 1), "base": base}


def _place(model: str) -> Path:
    return POCKET if model == BUNDLED else Path(model).expanduser()


def _metadata(file: Path) -> dict[str, Any]:
    """The same of a GGUF file, from its header."""
    header = read_header(file)
    return {
        "hidden_size": header.get("{arch}.embedding_length"),
        "max_position_embeddings": header.get("{arch}.context_length"),
        "num_hidden_layers": header.get("{arch}.block_count"),
        "architectures": [header.architecture],
    }


def _bytes(folder: Path) -> int:
    if folder.is_file():
        return folder.stat().st_size
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _used(home: Path) -> dict[str, list[str]]:
    """Which collections each model has a space in."""
    from indexer import Collection, collections

    used: dict[str, list[str]] = {}
    for name in collections(home):
        for space in Collection.open(home, name, create=False).spaces():
            names = used.setdefault(space.model, [])
            if name not in names:
                names.append(name)
    return used


def card_of(name: str, home: Path) -> Card:
    """What a loaded model says of itself: whether it writes and re-orders well; a model without a card writes."""
    return read_card(BUNDLED if name == BUNDLED else place_of(home, name))
