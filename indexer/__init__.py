"""Documents, chunks, vectors, and search over them; knows no screen and reads no settings.

Names are loaded when they are first used: the process that reads files imports this package too, and needs no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.answers import Answer, Citation, Conversation
    from indexer.arena import Rating, ratings, votes_needed
    from indexer.chunk import Chunk
    from indexer.collection import Collection, collections
    from indexer.cost import Cost, measure
    from indexer.dataset import Dataset, Pairs, read_beir, read_pairs
    from indexer.evaluate import Evaluation, Evaluator, QueryRow, similarity
    from indexer.fuse import FUSIONS, Fusion
    from indexer.jobs import Job
    from indexer.load import LOADERS, Limits, Loaded, LoadError, Reader, readable
    from indexer.lock import Busy
    from indexer.metrics import Difference, Interval, bootstrap, paired
    from indexer.records import (
        Document,
        Failure,
        Files,
        Filters,
        Found,
        Hit,
        Leg,
        Mode,
        Progress,
        Report,
        Row,
        Space,
    )
    from indexer.results import Result, Results, result_of
    from indexer.votes import Vote, judgements, trec
    from indexer.watching import watch

_HOMES = {
    "answers": ("Answer", "Citation", "Conversation"),
    "arena": ("Rating", "ratings", "votes_needed"),
    "chunk": ("Chunk",),
    "collection": ("Collection", "collections"),
    "dataset": ("Dataset", "Pairs", "read_beir", "read_pairs"),
    "evaluate": ("Evaluation", "Evaluator", "QueryRow", "similarity"),
    "fuse": ("FUSIONS", "Fusion"),
    "jobs": ("Job",),
    "load": ("LOADERS", "Limits", "LoadError", "Loaded", "Reader", "readable"),
    "lock": ("Busy",),
    "metrics": ("Difference", "Interval", "bootstrap", "paired"),
    "records": (
        "Document", "Failure", "Files", "Filters", "Found", "Hit", "Leg", "Mode", "Progress", "Report", "Row", "Space",
    ),
    "cost": ("Cost", "measure"),
    "results": ("Result", "Results", "result_of"),
    "votes": ("Vote", "judgements", "trec"),
    "watching": ("watch",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "FUSIONS",
    "LOADERS",
    "Answer",
    "Busy",
    "Chunk",
    "Citation",
    "Collection",
    "Conversation",
    "Cost",
    "Dataset",
    "Difference",
    "Document",
    "Evaluation",
    "Evaluator",
    "Failure",
    "Files",
    "Filters",
    "Found",
    "Fusion",
    "Hit",
    "Interval",
    "Job",
    "Leg",
    "Limits",
    "LoadError",
    "Loaded",
    "Mode",
    "Pairs",
    "Progress",
    "QueryRow",
    "Rating",
    "Reader",
    "Report",
    "Result",
    "Results",
    "Row",
    "Space",
    "Vote",
    "bootstrap",
    "collections",
    "judgements",
    "measure",
    "paired",
    "ratings",
    "read_beir",
    "read_pairs",
    "readable",
    "result_of",
    "similarity",
    "trec",
    "votes_needed",
    "watch",
]


def __getattr__(name: str) -> Any:
    """A public name, from the module it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module 'indexer' has no attribute {name!r}")
    return getattr(import_module(f"indexer.{_HOME[name]}"), name)
