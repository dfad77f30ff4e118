"""The nearest-neighbour view of one space: FAISS over float16 codes, inner product, by chunk id.

It owns nothing. It catches up with the catalogue by a watermark, is cached on disk as a file that names its own
checksum, and is made again from SQL wherever the file is missing, stale or damaged. Exact up to EXACT vectors; above,
inverted lists whose recall against the exact search is measured when they are made.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.engine import Connection

from indexer import cache
from indexer.ann import EXACT, fit, gpu_copy, ids, library, make, reachable
from indexer.cache import Watermark

BLOCK = 8192  # vectors read from SQL at a time
SAVE_AFTER = 0.02  # changes since the cache was written, as a part of all vectors, before it is written again


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Chunk ids and cosines, best first."""

    ids: np.ndarray
    scores: np.ndarray


class View:
    """The vectors of one space, searchable from any thread."""

    def __init__(self, space: int, dim: int, file: Path, *, exact: int = EXACT) -> None:
        """Nothing is read before the first `refresh`; `exact` is the size above which lists are used."""
        self.space, self.dim, self.file, self.exact = space, dim, file, exact
        self.mark = Watermark(0, 0)
        self.index: Any = None
        self.recall: float | None = None
        self._gpu: Any = None
        self._changes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # taken before `_lock`: a later state is never overwritten by an earlier one

    def __len__(self) -> int:
        return 0 if self.index is None else int(self.index.ntotal)

    def refresh(self, connection: Connection) -> Watermark:
        """Catch up with what this transaction sees; its watermark."""
        mark = _mark(connection)
        with self._lock:
            if self.index is None:
                self._load()
            if mark != self.mark:
                self._catch_up(connection, mark)
        return mark

    def search(self, query: np.ndarray, top: int, allowed: Any = None) -> Neighbours:
        """The chunks nearest to one query vector (dim,); `allowed` is a FAISS id selector made by `selector`."""
        wanted = np.ascontiguousarray(query.reshape(1, -1), np.float32)
        if wanted.shape[1] != self.dim:
            raise ValueError(f"this space has {self.dim} dimensions, the query vector {wanted.shape[1]}")
        with self._lock:
            if not len(self):
                return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
            scores, ids = reachable(self.index, self._gpu, wanted, min(top, len(self)), allowed)
        kept = ids[0] >= 0
        return Neighbours(ids[0][kept], scores[0][kept])

    def ids(self) -> np.ndarray:
        """Every chunk id in the view, in rising order."""
        with self._lock:
            return np.empty(0, np.int64) if self.index is None else np.sort(ids(self.index))

    def save(self) -> None:
        """Write the cache, at once or not at all; searches wait only while the index is copied."""
        with self._writing:
            with self._lock:
                snapshot = cache.Snapshot.of(self.index, self.mark, self.recall)
                self._changes = 0
            cache.save(self.file, snapshot)

    def forget(self) -> None:
        """Drop what is in memory and on disk; the next refresh reads SQL."""
        with self._writing, self._lock:
            self.index, self._gpu, self.mark, self._changes = None, None, Watermark(0, 0), 0
            self.file.unlink(missing_ok=True)

    @property
    def worth_saving(self) -> bool:
        """Whether the cache on disk is far behind."""
        return self._changes > max(100, SAVE_AFTER * len(self))

    def _load(self) -> None:
        found = cache.load(self.file, self.dim)
        if found is None:
            self.index, self.mark = make(self.dim), Watermark(0, 0)
        else:
            self.index, self.mark, self.recall = found

    def _catch_up(self, connection: Connection, mark: Watermark) -> None:
        if (
            mark.added < self.mark.added or mark.removed < self.mark.removed
        ):  # a restored backup: the past is another one
            self.index, self.mark = make(self.dim), Watermark(0, 0)
        removed = _removed(connection, self.space, self.mark, mark) if len(self) else np.empty(0, np.int64)
        if len(removed):  # before what is added: a vector may be made again for a chunk that lost its own
            self._changes += int(self.index.remove_ids(removed))
        for names, rows in _added(connection, self.space, self.mark, mark, self.dim):
            self.index.add_with_ids(rows, names)
            self._changes += len(names)
        self.mark = mark
        self.index, self.recall = fit(self.index, self.dim, self.exact, self.recall)
        self._gpu = gpu_copy(self.index)


def _mark(connection: Connection) -> Watermark:
    row = connection.execute(text(
        "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'vector'), "
        "(SELECT seq FROM sqlite_sequence WHERE name = 'removal')"
    )).one()  # fmt: skip
    return Watermark(row[0] or 0, row[1] or 0)


def _removed(connection: Connection, space: int, after: Watermark, upto: Watermark) -> np.ndarray:
    wanted = text("SELECT chunk_id FROM removal WHERE id > :a AND id <= :b AND space_id IN (0, :s)")
    found = connection.execute(wanted, {"s": space, "a": after.removed, "b": upto.removed}).scalars().all()
    return np.asarray(found, np.int64)


def _added(
    connection: Connection, space: int, after: Watermark, upto: Watermark, dim: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    wanted = text("SELECT chunk_id, data FROM vector WHERE space_id = :s AND id > :a AND id <= :b ORDER BY id")
    found = connection.execute(wanted, {"s": space, "a": after.added, "b": upto.added})
    for part in found.partitions(BLOCK):
        names = np.fromiter((row[0] for row in part), np.int64, len(part))
        rows = np.frombuffer(b"".join(row[1] for row in part), np.float16).reshape(len(part), dim)
        yield names, rows.astype(np.float32)


def selector(allowed: np.ndarray) -> Any:
    """A FAISS selector of chunk ids: a bitmap, whose test costs the same however many are allowed."""
    faiss = library()
    bits = np.zeros(int(allowed.max()) + 1 if len(allowed) else 1, np.bool_)
    bits[allowed] = True
    return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
