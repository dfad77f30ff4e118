"""Runs methods over a labelled set, one model for all of them, with a bar while texts are encoded."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands.models import another, embedder_for, note_untrained
from app.commands.output import progress_bar
from app.settings import Settings
from indexer.dataset import read_beir, read_pairs
from indexer.evaluate import Evaluation, Evaluator, similarity

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Mode
    from indexer.metrics import Interval


def evaluations(
    settings: Settings, folder: Path, methods: Sequence[str], mode: Mode, instruction: str, stop: threading.Event
) -> Iterator[Evaluation]:
    """One evaluation for each method; words need no model, and are the same for all."""
    dataset = read_beir(folder.expanduser())
    with progress_bar("Encoding") as show:
        evaluator = Evaluator(dataset, settings.home / "cache" / "eval", stop, show)
        try:
            for embedder in [None] if mode == "words" else embedders(settings, methods):
                yield evaluator.run(embedder, mode, instruction=instruction)
        finally:
            evaluator.close()


def embedders(settings: Settings, methods: Sequence[str]) -> Iterator[Embedder]:
    """The methods on one model; without names, the settings' method or the model's own."""
    first = embedder_for(settings, None, methods[0] if methods else "")
    note_untrained(first)
    yield first
    for name in methods[1:]:
        other = another(settings, first, name)
        note_untrained(other)
        yield other


def similarities(
    settings: Settings, folder: Path, methods: Sequence[str], instruction: str
) -> Iterator[tuple[str, Interval]]:
    """Each method's rank correlation with people's judgement of sentence pairs."""
    pairs = read_pairs(folder)
    for embedder in embedders(settings, methods):
        yield embedder.method.name, similarity(pairs, embedder, instruction=instruction)
