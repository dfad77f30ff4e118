"""Where a model was opened from, by the name its spaces carry: a home's own note, to find it again."""

from __future__ import annotations

import json
import os
from pathlib import Path

BUNDLED = "pocket"
FILE = "models.json"


def remember(home: Path, name: str, given: str) -> None:
    """Note that the model called `name` was opened as `given` (a folder, a file or a hub id)."""
    if name == BUNDLED:
        return
    known = _read(home)
    place = os.path.abspath(os.path.expanduser(given)) if os.path.exists(os.path.expanduser(given)) else given
    if known.get(name) == place:
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = home / f"{FILE}.{os.getpid()}"
    new.write_text(json.dumps({**known, name: place}, ensure_ascii=False, indent=2), encoding="utf-8")
    new.replace(home / FILE)


def noted(home: Path, name: str) -> str:
    """Where the model called `name` was last, whether it still is there or not."""
    return _read(home).get(name, name)


def place_of(home: Path, name: str) -> str:
    """What to open for the model called `name`; a name never noted is taken as it is, such as a hub id."""
    place = noted(home, name)
    if os.path.isabs(place) and not os.path.exists(place):
        raise ValueError(f"the model {name} was at {place} and is not there any more: say where with --model")
    return place


def _read(home: Path) -> dict[str, str]:
    file = home / FILE
    if not file.is_file():
        return {}
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return known
