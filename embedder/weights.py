"""Model files: where they are, which version they are, and whether they are safe to read. No tensor is kept here."""

import hashlib
import json
from pathlib import Path
from typing import Any

WHOLE = 64 * 2**20  # bytes; larger files are sampled
BLOCK = 2**16
BLOCKS = 64
PICKLES = (".bin", ".pt", ".pth", ".pkl")


def check_folder(folder: Path) -> None:
    """ValueError for a folder that is no model, or whose weights could run code when they are read."""
    names = [path.name for path in folder.iterdir()]
    if "config.json" not in names and "adapter_config.json" not in names:
        raise ValueError(f"{folder} has no config.json, so it is no model folder")
    if any(name.endswith(".safetensors") for name in names):
        return
    pickles = [f" ({name})" for name in names if name.endswith(PICKLES)]
    raise ValueError(
        f"{folder} has no safetensors; pickled weights{''.join(pickles[:1])} can run code when read and are not used:"
        " save the model again with safe_serialization, model.save_pretrained(folder)"
    )


def revision(folder: Path) -> str:
    """A short hash of a folder's configuration, tokenizer and weights; a large file counts by samples and size."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".json", ".gguf", ".model"):
            digest.update(path.name.encode())
            _add(digest, path)
    return digest.hexdigest()[:12]


def content(folder: Path) -> str:
    """A short hash of a folder's weights and vocabulary alone: what an adapter depends on, whatever its card says."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".model") or path.name == "tokenizer.json":
            digest.update(path.name.encode())
            _add(digest, path)
    return digest.hexdigest()[:12]


def file_revision(path: Path) -> str:
    """The same for one file."""
    digest = hashlib.sha256()
    _add(digest, path)
    return digest.hexdigest()[:12]


def _add(digest: Any, path: Path) -> None:
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        if size <= WHOLE:
            while block := file.read(2**20):
                digest.update(block)
            return
        for number in range(BLOCKS):
            file.seek(number * (size - BLOCK) // (BLOCKS - 1))
            digest.update(file.read(BLOCK))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file, or nothing where there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
