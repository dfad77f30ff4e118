"""Documents, chunks, vectors, and search over them; knows no screen and reads no settings.

Names are loaded when they are first used: the process that reads files imports this package too, and needs no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.answers import Answer, Citation, Conversation
    from indexer.chunk import Chunk
    from indexer.collection import Collection, collections
    from indexer.fuse import FUSIONS, Fusion
    from indexer.jobs import Job
    from indexer.load import LOADERS, Limits, Loaded, LoadError, Reader, readable
    from indexer.lock import Busy
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
    from indexer.votes import Evaluated, Vote

_HOMES = {
    "answers": ("Answer", "Citation", "Conversation"),
    "chunk": ("Chunk",),
    "collection": ("Collection", "collections"),
    "fuse": ("FUSIONS", "Fusion"),
    "jobs": ("Job",),
    "load": ("LOADERS", "Limits", "LoadError", "Loaded", "Reader", "readable"),
    "lock": ("Busy",),
    "records": (
        "Document", "Failure", "Files", "Filters", "Found", "Hit", "Leg", "Mode", "Progress", "Report", "Row", "Space",
    ),
    "votes": ("Evaluated", "Vote"),
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
    "Document",
    "Evaluated",
    "Failure",
    "Files",
    "Filters",
    "Found",
    "Fusion",
    "Hit",
    "Job",
    "Leg",
    "Limits",
    "LoadError",
    "Loaded",
    "Mode",
    "Progress",
    "Reader",
    "Report",
    "Row",
    "Space",
    "Vote",
    "collections",
    "readable",
]


def __getattr__(name: str) -> Any:
    """A public name, from the module it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module 'indexer' has no attribute {name!r}")
    return getattr(import_module(f"indexer.{_HOME[name]}"), name)
