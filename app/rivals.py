"""A trained model beside its base on one collection: which vectors of theirs there are, and having the others made.

It draws nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.contenders import space_labels
from app.known_models import noted
from embedder import read_card

if TYPE_CHECKING:
    from app.house import House
    from app.training_runs import TrainingRun
    from indexer import Space


@dataclass(frozen=True, slots=True)
class Rivals:
    """The spaces of a base and of what was trained on it, None where there is none; `labels` once both are whole."""

    base: Space | None
    trained: Space | None
    labels: tuple[str, ...] = ()


def rivals(house: House, run: TrainingRun) -> Rivals:
    """What the collection has of a run's base and of its result; the base's default space goes before its others."""
    known = space_labels(house.collection.spaces())
    name = {space.id: label for label, space in known.items()}
    base = _of(house.settings.home, list(known.values()), run.base)
    trained = _of(house.settings.home, list(known.values()), str(run.folder), read_card(str(run.folder)).method)
    both = [space for space in (base, trained) if space is not None and space.ready]
    return Rivals(base, trained, tuple(name[space.id] for space in both) if len(both) == 2 else ())


def make(house: House, run: TrainingRun) -> None:
    """Have in the background whatever vectors the two still lack."""
    found = rivals(house, run)
    wanted = {run.base: (found.base, ""), str(run.folder): (found.trained, read_card(str(run.folder)).method)}
    for place, (space, method) in wanted.items():
        if space is None:
            house.add_space(method, place)
        elif not space.ready:
            house.complete(space)


def _of(home: Path, spaces: list[Space], place: str, method: str = "") -> Space | None:
    """The space of the model at a place, under `method` if one is given; the default one, else the newest."""
    there = os.path.abspath(os.path.expanduser(place)) if os.path.exists(os.path.expanduser(place)) else place
    own = [one for one in spaces if noted(home, one.model) in (place, there) and method in ("", one.method)]
    return max(own, key=lambda one: (one.default, one.id), default=None)
