"""The catalogue: SQLAlchemy tables and the connections to them.

It knows no model, no FAISS and no file outside its own. SQL is the only truth of a collection. A chunk, its words and
its vectors are written in one transaction; everything else (the nearest-neighbour view, its cache on disk) can be
thrown away and made again from here.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine import Connection, CursorResult

CATALOGUE = "catalogue.sqlite"
BUSY_MS = 30_000

metadata = MetaData()


def _number(name: str, default: int = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=False, default=default)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="")


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _of(table: str, *, name: str = "", index: bool = True) -> Column[int]:
    reference = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Column(name or f"{table}_id", Integer, reference, nullable=False, index=index)


# One row: what the collection is and how its documents are cut.
collection = Table(
    "collection", metadata, _id(), _words("name"), _words("created"),
    _number("chunk_tokens"), _number("chunk_overlap"), _words("tokenizer"), _number("segmenter"),
    Column("default_space", Integer), Column("previous_space", Integer),
)  # fmt: skip

folder = Table(
    "folder", metadata, _id(), Column("path", Text, nullable=False, unique=True), _words("scanned"),
)  # fmt: skip

# Content, stored once for the bytes it came from. Ids are never used again, so that a view cannot mistake a new chunk
# for an old one.
document = Table(
    "document", metadata, _id(), Column("hash", String(64), nullable=False), _words("suffix"), _words("kind"),
    _words("title"), _words("encoding"), _number("characters"), _number("tokens"), _words("added"), _words("text"),
    UniqueConstraint("hash", "suffix"), sqlite_autoincrement=True,
)  # fmt: skip

path = Table(
    "path", metadata, _id(), Column("path", Text, nullable=False, unique=True), _of("document"),
    _number("size"), _number("mtime_ns"), _number("seen_ns"),
)  # fmt: skip

failure = Table(
    "failure", metadata, _id(), Column("path", Text, nullable=False, unique=True), _words("reason"),
    _number("size"), _number("mtime_ns"), Column("lasting", Boolean, nullable=False, default=True), _words("at"),
)  # fmt: skip

page = Table(
    "page", metadata, _id(), _of("document"), _number("ordinal"), _words("label"), _number("start"), _number("end"),
)  # fmt: skip

chunk = Table(
    "chunk", metadata, _id(), _of("document"), _number("ordinal"), _number("start"), _number("end"),
    _number("tokens"), _words("page"), sqlite_autoincrement=True,
)  # fmt: skip

# A method on an engine; its vectors are rows of `vector`. `null` holds the scores of questions about nothing here.
space = Table(
    "space", metadata, _id(), Column("fingerprint", String(128), nullable=False, unique=True), _words("method"),
    _words("model"), _words("revision"), _number("dim"), Column("untrained", Boolean, nullable=False, default=False),
    _words("created"), Column("null", JSON, nullable=True), Column("details", JSON, nullable=True),
    sqlite_autoincrement=True,
)  # fmt: skip

# `id` only grows: with the ids of `removal` it is the watermark a view catches up by.
vector = Table(
    "vector", metadata, _id(), _of("space"), _of("chunk", index=False), Column("data", LargeBinary, nullable=False),
    UniqueConstraint("chunk_id", "space_id"), sqlite_autoincrement=True,
)  # fmt: skip

# `space_id` 0: the chunk has left every space.
removal = Table("removal", metadata, _id(), _number("chunk_id"), _number("space_id"), sqlite_autoincrement=True)

job = Table(
    "job", metadata, _id(), _words("kind"), _words("target"), _words("state"), _number("pid"), _number("done"),
    _number("total"), Column("cancel", Boolean, nullable=False, default=False), _words("error"),
    Column("details", JSON, nullable=True), _words("created"), _words("updated"),
)  # fmt: skip

conversation = Table("conversation", metadata, _id(), _words("title"), _words("created"))

answer = Table(
    "answer", metadata, _id(), _of("conversation"), _words("question"), _words("text"), _words("state"),
    Column("refused", Boolean, nullable=False, default=False), _words("style"), _words("model"), _words("method"),
    _words("instruction"), Column("details", JSON, nullable=True), _words("created"),
)  # fmt: skip

# The source of a citation may leave the collection; what was cited then stays readable, unless it was erased.
citation = Table(
    "citation", metadata, _id(), _of("answer"), _number("ordinal"), Column("chunk_id", Integer, index=True),
    Column("document_id", Integer, index=True), _words("path"), _words("page"), _number("start"), _number("end"),
    _words("text"), Column("details", JSON, nullable=True),
)  # fmt: skip

vote = Table(
    "vote", metadata, _id(), _words("query"), _words("instruction"), _words("left"), _words("right"), _words("choice"),
    Column("left_hits", JSON, nullable=True), Column("right_hits", JSON, nullable=True), _words("created"),
)  # fmt: skip

evaluation = Table(
    "evaluation", metadata, _id(), _words("dataset"), _words("method"), _words("mode"), _words("fingerprint"),
    Column("metrics", JSON, nullable=True), Column("rows", JSON, nullable=True),
    Column("seconds", Float, nullable=False, default=0.0), _words("created"),
    *(Column(name, Text, nullable=False, default="", server_default="") for name in ("model", "digest", "instruction")),
    Column("cost", JSON, nullable=True),
)  # fmt: skip

# Questions whose answer is known: `passage` is the text they came from, so that they find it again after a change;
# `taken` is what of it the question is, and is cut out of the passage before anything is measured.
test_set = Table(
    "test_set", metadata, _id(), Column("name", Text, nullable=False, unique=True), _words("origin"), _words("model"),
    Column("details", JSON, nullable=True), _words("created"),
)  # fmt: skip

test_question = Table(
    "test_question", metadata, _id(), _of("test_set"), _words("text"), _words("kind"), Column("chunk_id", Integer),
    Column("path", Text, nullable=False, index=True), _words("passage"), _words("taken"),
    Column("ranks", JSON, nullable=True), Column("edited", Boolean, nullable=False, default=False),
)  # fmt: skip

# Figures of a task that is no retrieval, or of the passkey test: name -> value, low, high.
measured = Table(
    "measured", metadata, _id(), _words("task"), _words("dataset"), _words("label"), _words("model"),
    _words("fingerprint"), Column("figures", JSON, nullable=True), _number("items"),
    Column("seconds", Float, nullable=False, default=0.0), _words("created"),
)  # fmt: skip

Index("path_by_time", path.c.mtime_ns)


def now() -> str:
    """The time as every row writes it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_id(made: CursorResult[Any]) -> int:
    """The id that an INSERT of one row gave it."""
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def _connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event below says which kind of transaction it is
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    # Of many that open a new file at once one turns the log on; the others are told "locked" without any wait.
    end = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once: a transaction that starts by reading cannot be upgraded once another wrote.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


class Catalogue:
    """One SQLite file; `read()` and `write()` are its transactions, from any thread."""

    def __init__(self, file: Path) -> None:
        """Open `file`, making or upgrading its tables."""
        self.file = file
        self.engine = _engine(f"sqlite:///{file}")
        from indexer.migrate import upgrade

        upgrade(self.engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the catalogue, and never waits for a writer."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, or not at all."""
        with self.engine.connect().execution_options(write=True) as connection, connection.begin():
            yield connection

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it, as far as readers at work allow."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection; the catalogue can still be used, it opens new ones."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=8, max_overflow=32)
    event.listen(engine, "connect", _connect)
    event.listen(engine, "begin", _begin)
    return engine
