"""A view on disk: one file with a line that says what follows and its SHA-256, replaced whole or not at all."""

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from indexer.ann import library

FORMAT = "twofold view 1"


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to which row of `vector` and of `removal` a view has seen the catalogue."""

    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index as bytes, and what its file says of them; the index may change meanwhile."""

    about: dict[str, Any]
    body: Any

    @classmethod
    def of(cls, index: Any, mark: Watermark, recall: float | None) -> Self:
        """The index as it is now."""
        about = {"format": FORMAT, "count": int(index.ntotal), "dim": int(index.d), "recall": recall, **asdict(mark)}
        return cls(about, library().serialize_index(index).data)


def save(file: Path, snapshot: Snapshot) -> None:
    """Write the snapshot beside the old file, then put it in its place."""
    body = snapshot.body
    about = {**snapshot.about, "sha256": hashlib.sha256(body).hexdigest()}
    file.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(number, "wb") as out:
            out.write(json.dumps(about).encode() + b"\n")
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileNotFoundError):  # a writer that starts meanwhile sweeps: it is saved another time
            os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def load(file: Path, dim: int) -> tuple[Any, Watermark, float | None] | None:
    """The index in a file; None where there is none, or anything about it is not as it was written."""
    faiss = library()
    try:
        with file.open("rb") as source:
            about = json.loads(source.readline(4096))
            body = source.read()
        if about["format"] != FORMAT or about["dim"] != dim or hashlib.sha256(body).hexdigest() != about["sha256"]:
            return None
        index = faiss.deserialize_index(np.frombuffer(body, np.uint8))
        if index.ntotal != about["count"] or index.d != dim:
            return None
        return index, Watermark(int(about["added"]), int(about["removed"])), about["recall"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None


def sweep(folder: Path) -> int:
    """Remove what killed writers left behind; how many files."""
    left = list(folder.glob(".*.faiss.*"))
    for file in left:
        file.unlink(missing_ok=True)
    return len(left)
