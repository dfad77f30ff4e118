"""What a model is called on screen and in a collection. Reads the folder's card for it, never its weights."""

import os
import re
from pathlib import Path

# names that say what a folder is for, not which model lies in it
PLAIN = re.compile(
    r"(?:checkpoint|step|epoch)?[-_]?\d+|(?:final|best|last|merged|my|the|saved|trained|output|export)?[-_]?"
    r"(?:model|models|weights|checkpoint|final|best|last|merged|output|export|onnx|safetensors|transformer)",
    re.IGNORECASE,
)
SNAPSHOT = re.compile(r"[0-9a-f]{40}")
HEADING = re.compile(r"^#[ \t]+(?P<name>\S+)[ \t]*$", re.MULTILINE)  # one word: a name, and no sentence about it


def model_name(model: str) -> str:
    """What a model is called, given as it is opened: a folder, a GGUF file, or an id, which is a name already."""
    if model.lower().endswith(".gguf"):
        return Path(model).stem
    return folder_name(Path(model)) if Path(model).expanduser().is_dir() else model


def folder_name(path: Path) -> str:
    """The folder's own name; where that says nothing, its card's heading, else the first name above it that does.

    A commit in the hub's cache is called after its repository. Nothing but a plain name all the way up: the folder's.
    """
    path = Path(os.path.abspath(path.expanduser()))  # a link keeps the name it was given
    if SNAPSHOT.fullmatch(path.name) and path.parent.name == "snapshots":
        return path.parent.parent.name.split("--", 2)[-1]
    if not PLAIN.fullmatch(path.name):
        return path.name
    above = (folder.name for folder in path.parents if folder.name and not PLAIN.fullmatch(folder.name))
    return _heading(path) or next(above, path.name)


def _heading(path: Path) -> str:
    card = path / "README.md"
    if not card.is_file():
        return ""
    found = HEADING.search(card.read_text(encoding="utf-8", errors="replace"))
    return found["name"].rpartition("/")[2] if found else ""
