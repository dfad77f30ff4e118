"""What the indexer hands out: hits, progress, reports, rows. Plain values, without behaviour that needs a database."""

import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, Self, get_args

Mode = Literal["hybrid", "dense", "words"]
MODES: tuple[Mode, ...] = get_args(Mode)
LONG = 200  # chunks of a file from which on it is told how far inside the file the work is


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg said of a hit: its rank there (None: not among the leg's candidates) and its score."""

    rank: int | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found: `text` is characters start:end of the document at `path` (the same bytes lie at `also`).

    `score` orders the hits of one search and means nothing elsewhere; `legs` has "dense" (a cosine) and "words" (BM25).
    """

    rank: int
    score: float
    chunk: int
    document: int
    path: str
    also: tuple[str, ...]
    page: str
    start: int
    end: int
    text: str
    legs: dict[str, Leg]
    kind: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one search, what a reader should know about how they came, and where the time went (in seconds)."""

    hits: list[Hit]
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may be found: paths that begin so, of a kind ("pdf"), changed since and until a day.

    A path begins at the root; `parse` also takes one from the current folder. Days are written YYYY-MM-DD and are both
    included.
    """

    path: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        if self.path and not os.path.isabs(self.path):
            raise ValueError(f"path is the beginning of a whole path, such as /home/me/notes; got {self.path!r}")
        for name in ("since", "until"):
            _day(name, getattr(self, name))

    def __bool__(self) -> bool:
        return self != Filters()

    @classmethod
    def parse(cls, *pairs: str) -> Self:
        """Read `KEY=VALUE` pairs, as on the command line."""
        found = cls()
        for pair in pairs:
            key, _, value = pair.partition("=")
            if not value.strip() or key.strip() not in cls.__slots__:
                raise ValueError(f"a filter is KEY=VALUE with KEY one of {', '.join(cls.__slots__)}; got {pair!r}")
            found = replace(found, **{key.strip(): _prefix(value) if key.strip() == "path" else value.strip()})
        return found

    def span_ns(self) -> tuple[int | None, int | None]:
        """The first nanosecond of `since` and the first one after `until`, local time; None where there is no bound."""
        since, until = _day("since", self.since), _day("until", self.until)
        return _midnight(since), _midnight(until + timedelta(days=1) if until else None)


def _prefix(value: str) -> str:
    """A path's beginning from the root; a "/" at its end, which keeps notes2 apart from notes/, stays."""
    path = value.strip()
    whole = os.path.abspath(os.path.expanduser(path)) if path else ""
    return os.path.join(whole, "") if path.endswith(("/", os.sep)) else whole


def _day(name: str, value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{name} is a day written as YYYY-MM-DD, such as 2026-03-01; got {value!r}") from None


def _midnight(day: date | None) -> int | None:
    return None if day is None else int(datetime.combine(day, time()).timestamp() * 1e9)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, and the reason as a person reads it."""

    path: str
    reason: str
    at: str = ""


@dataclass(slots=True)
class Files:
    """Every file met, counted once; `removed` counts the ones that were known and are no longer there."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    removed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def met(self) -> int:
        """How many files the folder had."""
        return self.added + self.updated + self.unchanged + self.duplicates + self.failed + self.skipped


@dataclass(slots=True)
class Report:
    """What an ingestion did. `chunks` and `tokens` are those newly stored; `truncated` tokens did not fit a model.

    `notes` are sentences for the person; `engine_seconds` is the part of `seconds` spent making vectors.
    """

    collection: str
    files: Files = field(default_factory=Files)
    chunks: int = 0
    tokens: int = 0
    truncated: int = 0
    seconds: float = 0.0
    engine_seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False

    def json(self) -> dict[str, Any]:
        """The report as the command line prints it."""
        return {
            "collection": self.collection,
            "files": asdict(self.files),
            "chunks": self.chunks,
            "tokens": self.tokens,
            "truncated": self.truncated,
            "seconds": round(self.seconds, 3),
            "failures": [{"path": failure.path, "reason": failure.reason} for failure in self.failures],
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a long job is: files (or chunks, for a new space) done of total. Only the last one carries the report.

    `current` is the file it is at; of one that takes long, `part` of `parts` chunks are done.
    """

    done: int
    total: int
    chunks: int = 0
    tokens: int = 0
    tokens_per_s: float = 0.0
    eta_s: float | None = None
    failures: int = 0
    current: str = ""
    part: int = 0
    parts: int = 0
    report: Report | None = None

    @property
    def long(self) -> bool:
        """Whether the file it is at is worth a word of its own."""
        return self.parts >= LONG


@dataclass(frozen=True, slots=True)
class Space:
    """A method on an engine with its vectors; `missing` chunks of the collection have no vector in it yet."""

    id: int
    fingerprint: str
    method: str
    model: str
    revision: str
    dim: int
    untrained: bool
    created: str
    default: bool
    vectors: int
    missing: int
    calibrated: bool

    @property
    def ready(self) -> bool:
        """Whether every chunk of the collection has its vector."""
        return self.missing == 0

    @property
    def bytes(self) -> int:
        """Size of its vectors: two bytes a number."""
        return self.vectors * self.dim * 2


@dataclass(frozen=True, slots=True)
class Row:
    """A document as a list shows it; `paths` all hold the same bytes."""

    id: int
    path: str
    also: tuple[str, ...]
    kind: str
    title: str
    characters: int
    tokens: int
    chunks: int
    size: int
    modified: str
    added: str
    ready: bool


@dataclass(frozen=True, slots=True)
class PageSpan:
    """A page, slide, sheet or cell: its label and its characters of the document."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """A chunk as stored: its characters of the document, and its size in tokens."""

    id: int
    start: int
    end: int
    tokens: int
    page: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document whole."""

    id: int
    path: str
    also: tuple[str, ...]
    kind: str
    title: str
    encoding: str
    text: str
    pages: tuple[PageSpan, ...]
    chunks: tuple[ChunkSpan, ...]
    modified: str
    added: str


def when(ns: int) -> str:
    """Nanoseconds of a file's clock as ISO 8601, UTC."""
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="seconds")
