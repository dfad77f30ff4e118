"""The engine's half of an ingestion: slices of documents in batches, vectors handed back to each document."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from indexer.belt import Belt, Closed
from indexer.reading import Fresh, Item

if TYPE_CHECKING:
    from embedder.embedder import Embedder

BATCH_SECONDS = 1.0  # a batch is about this long, so that stopping and progress feel immediate
LEAST, MOST = 1024, 32_768  # tokens of a batch
MOST_SLICES = 256
WAIT_SECONDS = 0.5  # how long to wait for a slow file before looking at the clock and the stop sign again
PATIENCE = 5  # so many files in a row that no engine takes: the engine is at fault, not the files


@dataclass(slots=True)
class Work:
    """A document on its way through the engine: `vectors` of the chunks done, for each space."""

    item: Item
    vectors: dict[int, list[np.ndarray]] = field(default_factory=dict)
    left: int = 0
    reason: str = ""
    truncated: int = 0

    def text(self, number: int) -> str:
        """The text of one chunk."""
        assert isinstance(self.item, Fresh)
        chunk = self.item.chunks[number]
        return self.item.loaded.text[chunk.start : chunk.end]

    def whole(self) -> dict[int, np.ndarray]:
        """All vectors of the document, for each space: (chunks, dim) float16."""
        return {space: np.concatenate(parts) for space, parts in self.vectors.items()}

    def place(self, embedders: Mapping[int, "Embedder"]) -> None:
        """Give every chunk its place among its neighbours, now that all are there."""
        if isinstance(self.item, Fresh):
            sizes = [chunk.end - chunk.start for chunk in self.item.chunks]
            for space, rows in self.whole().items():
                self.vectors[space] = [embedders[space].placed(rows, sizes).astype(np.float16)]


@dataclass(frozen=True, slots=True)
class Slice:
    """Some consecutive chunks of a document; an item without chunks has one empty slice."""

    work: Work
    first: int
    last: int
    tokens: int


class Embedding:
    """Batches over a stream of items; `done` works come out in the order the items came in."""

    def __init__(self, embedders: Mapping[int, "Embedder"], primary: str) -> None:
        """`embedders` by space id; `primary` is the tokenizer that counted the chunks' tokens."""
        self.embedders = embedders
        self.rooms = {space: embedder.room("document") for space, embedder in embedders.items()}
        self.counted = {space for space, embedder in embedders.items() if tokenizer(embedder) == primary}
        self.budget = LEAST * 2
        self.seconds = 0.0
        self.tokens = 0
        self._pending: deque[Work] = deque()
        self._refused = 0

    def batches(self, belt: Belt[Item]) -> Iterator[list[Work]]:
        """Embed batch after batch; each step gives the works that are complete, none where it only waited."""
        batch: list[Slice] = []
        while True:
            try:
                item = belt.take(0 if batch else WAIT_SECONDS)  # the engine is not kept waiting for a full batch
            except Closed:
                break
            if item is None:
                yield self._through(batch)
                batch = []
                continue
            for piece in self._slices(item):
                batch.append(piece)
                if sum(p.tokens for p in batch) >= self.budget or len(batch) >= MOST_SLICES:
                    yield self._through(batch)
                    batch = []
        yield self._through(batch)

    @property
    def ahead(self) -> tuple[str, int, int]:
        """The document that those behind it wait for: its path, its chunks embedded, its chunks in all."""
        work = self._pending[0] if self._pending else None
        if work is None or not isinstance(work.item, Fresh):
            return "", 0, 0
        return work.item.met.path, len(work.item.chunks) - work.left, len(work.item.chunks)

    def _slices(self, item: Item) -> Iterator[Slice]:
        work = Work(item, left=len(item.chunks) if isinstance(item, Fresh) else 0)
        self._pending.append(work)
        return _cut(work, self)

    def _through(self, batch: list[Slice]) -> list[Work]:
        pieces = [piece for piece in batch if piece.last > piece.first and not piece.work.reason]
        if pieces:
            self._embed(pieces)
        done = []
        while self._pending and (self._pending[0].left == 0 or self._pending[0].reason):
            done.append(self._pending.popleft())
            if not done[-1].reason:
                done[-1].place(self.embedders)
        return done

    def _embed(self, pieces: list[Slice]) -> None:
        try:
            self._vectors(pieces)
            self._refused = 0
        except (ValueError, RuntimeError, MemoryError) as error:
            works = list({id(piece.work): piece.work for piece in pieces}.values())
            if len(works) > 1:  # one text that no engine takes must not cost its neighbours
                for work in works:
                    self._embed([piece for piece in pieces if piece.work is work])
                return
            self._refused += 1
            if self._refused >= PATIENCE:
                raise
            works[0].reason = f"the model could not embed it: {error}"

    def _vectors(self, pieces: list[Slice]) -> None:
        texts = [piece.work.text(n) for piece in pieces for n in range(piece.first, piece.last)]
        started = time.perf_counter()
        rows = {space: embedder.documents(texts).astype(np.float16) for space, embedder in self.embedders.items()}
        self._pace(sum(piece.tokens for piece in pieces), time.perf_counter() - started)
        at = 0
        for piece in pieces:
            size = piece.last - piece.first
            for space, vectors in rows.items():
                piece.work.vectors.setdefault(space, []).append(vectors[at : at + size])
            piece.work.truncated += self._truncated(piece)
            piece.work.left -= size
            at += size

    def _pace(self, tokens: int, seconds: float) -> None:
        """Lead the size of the next batch by how long this one took."""
        self.seconds += seconds
        self.tokens += tokens
        wanted = tokens / max(seconds, 1e-6) * BATCH_SECONDS
        self.budget = int(min(max(wanted, LEAST), MOST, 2 * self.budget))

    def _truncated(self, piece: Slice) -> int:
        """Tokens of these chunks that do not fit a model: none when the collection was cut for it."""
        assert isinstance(piece.work.item, Fresh)
        chunks = piece.work.item.chunks[piece.first : piece.last]
        over = 0
        for space, room in self.rooms.items():
            if space in self.counted:
                over += sum(max(chunk.tokens - room, 0) for chunk in chunks)
            else:
                texts = (piece.work.text(n) for n in range(piece.first, piece.last))
                over += sum(beyond(self.embedders[space], text, room) for text in texts)
        return over


def beyond(embedder: "Embedder", text: str, room: int) -> int:
    """How many tokens of the text do not fit; no token is shorter than a byte, so short texts need no counting."""
    return 0 if len(text.encode()) <= room else max(len(embedder.engine.encode(text)) - room, 0)


def tokenizer(embedder: "Embedder") -> str:
    """What tells two tokenizers apart: the model they came with."""
    return f"{embedder.engine.name}@{embedder.engine.revision}"


def _cut(work: Work, embedding: Embedding) -> Iterator[Slice]:
    """Slices of about one batch each, so that a book neither delays a stop nor fills the memory."""
    if not isinstance(work.item, Fresh):
        yield Slice(work, 0, 0, 0)
        return
    first, tokens = 0, 0
    for number, chunk in enumerate(work.item.chunks):
        tokens += chunk.tokens
        if tokens >= embedding.budget:
            yield Slice(work, first, number + 1, tokens)
            first, tokens = number + 1, 0
    if first < len(work.item.chunks):
        yield Slice(work, first, len(work.item.chunks), tokens)
