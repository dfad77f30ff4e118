"""What stands beside what: a method's vectors, words alone, or both, by the names people type. Draws nothing.

words            BM25 alone
echo             the vectors of a method
echo@MODEL       of that method on that model, where a collection has it on several
echo+words       vectors and words, fused as a search does
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.known_models import place_of, remember
from app.settings import Settings

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Mode, Space

WORDS = "words"
BOTH = "+words"


@dataclass(frozen=True, slots=True)
class Contender:
    """One column, or one row of a table. `model` is a name or a place, "" the one that is asked for anyway."""

    label: str
    mode: Mode
    method: str = ""
    model: str = ""
    space: Space | None = None
    instruction: str = ""  # "": the method's own

    @property
    def title(self) -> str:
        """How a page heads its column."""
        return "Words (BM25)" if self.mode == WORDS else self.label.replace(BOTH, " + words").replace("@", " on ")


def space_labels(spaces: Sequence[Space]) -> dict[str, Space]:
    """Each space by its shortest label that no other has; of two of one method and model the newest."""
    newest = {(space.method, space.model): space for space in spaces}
    labels = {}
    for space in newest.values():
        alone = sum(other.method == space.method for other in newest.values()) == 1
        labels[space.method if alone else f"{space.method}@{space.model}"] = space
    return labels


def offered(spaces: Sequence[Space]) -> list[str]:
    """What a page can put side by side: every space, words, every space with words; the default space first."""
    labels = sorted(space_labels(spaces).items(), key=lambda pair: (not pair[1].default, pair[1].id))
    names = [label for label, _ in labels]
    return [*names, WORDS, *(name + BOTH for name in names)]


def contender(label: str, spaces: Sequence[Space], mode: Mode = "dense", instruction: str = "") -> Contender:
    """The contender of a label; `mode` is that of a label which does not say. A space is looked for, not needed."""
    label = label.strip()
    if label == WORDS:
        return Contender(WORDS, "words")
    name = label.removesuffix(BOTH)
    method, _, model = name.partition("@")
    if not method:
        raise ValueError(f"{label!r} is no METHOD, METHOD@MODEL, METHOD+words or words")
    known = space_labels(spaces)
    space = known.get(name) or next(
        (s for s in reversed(spaces) if (s.method, s.model) == (method, model or s.model)), None
    )
    return Contender(label, "hybrid" if label.endswith(BOTH) else mode, method, model, space, instruction)


def whole(label: str, spaces: Sequence[Space]) -> bool:
    """Whether every passage can be found under a label: its space has all its vectors, or words alone are asked."""
    space = contender(label, spaces).space
    return space is None or space.ready


def parsed(text: str, spaces: Sequence[Space], mode: Mode = "dense", instruction: str = "") -> list[Contender]:
    """Contenders of a comma-separated list, each once."""
    labels = list(dict.fromkeys(label.strip() for label in text.split(",") if label.strip()))
    return [contender(label, spaces, mode, instruction) for label in labels]


def opened(
    settings: Settings, contenders: Sequence[Contender], default: str
) -> Iterator[tuple[Contender, Embedder | None]]:
    """Each contender with its embedder, one model after the other: an engine is closed before the next is opened.

    `default` is the model of a contender that names none and has no space.
    """
    from embedder import find_method

    for one in contenders:
        if one.method and one.space is None:
            find_method(one.method)  # a name that is none is told before any model is loaded
    places: dict[str, list[Contender]] = {}
    for one in contenders:
        if one.mode == "words":
            yield one, None
        else:
            places.setdefault(place(settings, one, default), []).append(one)
    for where, group in places.items():
        yield from _on(settings, where, group)


def place(settings: Settings, one: Contender, default: str) -> str:
    """What to open for a contender; `--model` is the model of all that name none."""
    if one.model:
        return place_of(settings.home, one.model)
    if one.space is not None and not settings.model:
        return place_of(settings.home, one.space.model)
    return default


def _on(settings: Settings, where: str, group: Sequence[Contender]) -> Iterator[tuple[Contender, Embedder | None]]:
    from embedder import ENCODERS, METHODS, open_embedder
    from embedder.engine import open_engine

    engine = open_engine(where, device=settings.device, dtype=settings.dtype, revision=settings.revision or None)
    remember(settings.home, engine.name, where)
    try:
        for one in group:
            known = one.method in METHODS or one.method in ENCODERS or one.space is None
            yield one, open_embedder(where, one.method if known else "", engine=engine)
    finally:
        engine.close()
