"""The face of the indexer: one collection of documents in a home folder.

Everything else in the package is behind it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sqlalchemy import insert, select, update

from indexer import building, cache, doctor, fuse, jobs, library, spaces, store, words
from indexer import catalogue as c
from indexer.answers import Answers
from indexer.catalogue import CATALOGUE, Catalogue
from indexer.embedding import Embedding, tokenizer
from indexer.ingest import Ingestion, under
from indexer.lock import WriterLock
from indexer.null import Nulls
from indexer.reading import cutter
from indexer.records import Document, Failure, Filters, Found, Progress, Row, Space
from indexer.scan import stored, whole
from indexer.search import Searcher
from indexer.votes import Votes

if TYPE_CHECKING:
    from embedder.embedder import Embedder

FOLDER = "collections"
NAME = re.compile(r"\w[\w.-]{0,63}")
CHUNK_TOKENS = 256
_SIMPLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\w\s]")


def collections(home: Path) -> list[str]:
    """The names of the collections in a home folder."""
    return sorted(file.parent.name for file in (home / FOLDER).glob(f"*/{CATALOGUE}"))


class Collection:
    """Documents, chunks, words and vectors; search over them. Safe from any thread.

    One writer at a time, in any process.
    """

    def __init__(self, name: str, folder: Path) -> None:
        """Use `open`, which checks the name and makes what is missing."""
        self.name, self.folder = name, folder
        self.catalogue = Catalogue(folder / CATALOGUE)
        self.searcher = Searcher(self.catalogue, folder / "views")
        self.nulls = Nulls(self.catalogue, self.searcher)
        self.answers = Answers(self.catalogue)
        self.votes = Votes(self.catalogue)

    @classmethod
    def open(cls, home: Path, name: str = "default", *, create: bool = True) -> Self:
        """The collection of that name; needs no model."""
        if not NAME.fullmatch(name):
            raise ValueError(f"a collection's name is letters, digits, '.', '-' or '_', at most 64; got {name!r}")
        folder = Path(home) / FOLDER / name
        if not create and not (folder / CATALOGUE).is_file():
            there = ", ".join(collections(Path(home))) or "none yet"
            raise LookupError(
                f"no collection called {name!r} in {home}; there: {there}. Make one with `twofold ingest FOLDER`"
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the text of the documents: its owner's alone
        found = cls(name, folder)
        found._settle()
        return found

    def _settle(self) -> None:
        with self.catalogue.read() as connection:
            if connection.execute(select(c.collection.c.id)).scalar() is not None:
                return
        with self.catalogue.write() as connection:
            if connection.execute(select(c.collection.c.id)).scalar() is None:
                connection.execute(
                    insert(c.collection).values(name=self.name, created=c.now(), segmenter=words.SEGMENTER)
                )

    def close(self) -> None:
        """Close the connections, once what is being saved is on disk."""
        self.searcher.close()
        self.catalogue.close()

    def lock(self, purpose: str) -> WriterLock:
        """The right to write, for one `with` block; Busy, with the holder's name, where another has it."""
        return WriterLock(self.folder, purpose)

    # -- writing

    def ingest(
        self, folder: Path, embedders: Sequence["Embedder"], *, prune: bool = False, stop: Event | None = None,
        chunk_tokens: int = 0, overlap: int | None = None, calibrate: bool = True,
    ) -> Iterator[Progress]:  # fmt: skip
        """Bring the collection up to date with a folder (or one file); the last Progress carries the report.

        `chunk_tokens` and `overlap` are decided by the first ingestion and kept. `calibrate` also takes the null scores
        behind "not in your files" where the collection has changed much.
        """
        root = whole(folder)
        with self.lock(f"ingest {root}"):
            self._mend()
            made = self._spaces(embedders)
            size, over, primary = self._cutting(embedders, chunk_tokens, overlap)
            offsets = embedders[0].engine.offsets if embedders else _simple_offsets
            run = Ingestion(self.catalogue, self.name, root, prune=prune, stop=stop)
            with closing(run.run(made, Embedding(made, primary), cutter(offsets, size, over))) as steps:
                for progress in steps:
                    if progress.report is not None:
                        self._tidy(progress.report.files.removed)
                        if calibrate and not progress.report.stopped:
                            self._calibrate(embedders)
                    yield progress

    def add_space(self, embedder: "Embedder", *, stop: Event | None = None) -> Iterator[Progress]:
        """Vectors of an embedder for every chunk that has none yet; files are not read again. `done` counts chunks."""
        with self.lock(f"add the method {embedder.method.name}"):
            steps = building.build(self.catalogue, self.name, embedder, stop)
            for progress in steps:
                if progress.report is not None and not progress.report.stopped:
                    self._calibrate([embedder])
                yield progress

    def project(self, embedder: "Embedder") -> dict[str, float]:
        """What `add_space` would cost, measured on a sample: chunks, tokens, seconds, bytes."""
        return building.project(self.catalogue, embedder)

    def remove(self, path: str | Path) -> int:
        """Erase a file, or all that lies under a folder, from the collection (not from the disk); how many paths."""
        root = whole(path)
        with self.lock(f"remove {root}"):
            self._mend()
            with self.catalogue.read() as connection:
                gone, failed = under(connection, c.path, root), under(connection, c.failure, root)
            for one in gone:
                with self.catalogue.write() as connection:
                    store.forget(connection, one, erase=True)
            with self.catalogue.write() as connection:
                store.forget_failures(connection, failed)
                connection.execute(c.folder.delete().where(c.folder.c.path == stored(root)))
            self._tidy(len(gone))
        return len(gone)

    def doctor(self, *, repair: bool = True) -> doctor.Report:
        """Check catalogue, words, views and disk against each other; repair what differs, and say so."""
        if not repair:
            return doctor.examine(self.catalogue, self.searcher, self.folder, repair=False)
        with self.lock("doctor"):
            return doctor.examine(self.catalogue, self.searcher, self.folder, repair=True)

    def _mend(self) -> None:
        """What any start of a writer repairs: what killed processes left of jobs and files, an older words index."""
        cache.sweep(self.folder / "views")
        with self.catalogue.write() as connection:
            jobs.mark_lost(connection)
            doctor.refresh_words(connection)

    def _tidy(self, removed: int) -> None:
        """After removals, overwrite what they left: in the words index, the write-ahead log and the cached views."""
        if removed:
            with self.catalogue.write() as connection:
                store.shrink(connection)
            for space in self.spaces():
                self.searcher.rewrite(space.id, space.dim)
            self.catalogue.checkpoint()

    def _spaces(self, embedders: Sequence["Embedder"]) -> dict[int, "Embedder"]:
        with self.catalogue.write() as connection:
            return {spaces.ensure(connection, embedder): embedder for embedder in embedders}

    def _cutting(self, embedders: Sequence["Embedder"], size: int, overlap: int | None) -> tuple[int, int, str]:
        with self.catalogue.write() as connection:
            row = connection.execute(select(c.collection)).one()
            rooms = [embedder.room("document") for embedder in embedders]
            size = min([row.chunk_tokens or size or (embedders[0].chunk if embedders else CHUNK_TOKENS), *rooms])
            over = row.chunk_overlap if row.chunk_tokens else size // 8 if overlap is None else overlap
            first = tokenizer(embedders[0]) if embedders else ""
            if not row.chunk_tokens:
                connection.execute(update(c.collection).values(chunk_tokens=size, chunk_overlap=over, tokenizer=first))
        return size, min(over, size // 2), first

    # -- spaces

    def spaces(self) -> list[Space]:
        """Every space, oldest first."""
        with self.catalogue.read() as connection:
            return spaces.every(connection)

    def default_space(self) -> Space | None:
        """The space that searches use unless told otherwise; None before the first ingestion with a model."""
        return next((space for space in self.spaces() if space.default), None)

    def space_of(self, embedder: "Embedder") -> Space | None:
        """The space of an embedder, if the collection has it."""
        return next((space for space in self.spaces() if space.fingerprint == embedder.fingerprint), None)

    def promote(self, space: int) -> None:
        """Make a finished space the default."""
        with self.catalogue.write() as connection:
            spaces.promote(connection, space)

    def rollback(self) -> int:
        """Undo the last promotion; the id of the space that is the default again."""
        with self.catalogue.write() as connection:
            return spaces.rollback(connection)

    def drop_space(self, space: int) -> None:
        """Remove a space that is not the default, with its vectors."""
        with self.lock(f"remove space {space}"):
            with self.catalogue.write() as connection:
                spaces.drop(connection, space)
            self.searcher.drop(space)

    def fit_null(self, embedder: "Embedder") -> list[float]:
        """Take the best dense scores of questions the collection cannot answer, and keep them with the space."""
        space = self.space_of(embedder)
        if space is None:
            raise LookupError(f"the collection has no vectors of {embedder.method.name} on {embedder.engine.name}")
        return self.nulls.fit(space.id, embedder)

    def p_value(self, embedder: "Embedder", score: float) -> float | None:
        """How likely a question about nothing here has a best dense score this high; None where nobody measured it."""
        with self.catalogue.read() as connection:
            space = spaces.find(connection, embedder.fingerprint)
        return None if space is None else self.nulls.p_value(space, score)

    def _calibrate(self, embedders: Sequence["Embedder"]) -> None:
        for embedder in embedders:
            space = self.space_of(embedder)
            if space is not None:
                self.nulls.keep_up(space, embedder)

    # -- reading

    def search(
        self, query: str, embedder: "Embedder | None" = None, *, top: int = 10, mode: str = "hybrid",
        instruction: str = "", filters: Filters | None = None, query_vector: np.ndarray | None = None,
        fusion: fuse.Fusion = fuse.DEFAULT,
    ) -> Found:  # fmt: skip
        """The passages that answer a query best. Mode "words" needs no embedder.

        A leg that could not run is in the notes.
        """
        return self.searcher.search(
            query, embedder, top=top, mode=mode, instruction=instruction, filters=filters, query_vector=query_vector,
            fusion=fusion,
        )  # fmt: skip

    def documents(
        self, filters: Filters | None = None, *, like: str = "", limit: int = 100, offset: int = 0
    ) -> list[Row]:
        """Documents as a list shows them, by path; `like` is a part of a path or title."""
        with self.catalogue.read() as connection:
            return library.rows(connection, filters or Filters(), like, limit, offset)

    def document(self, number: int) -> Document:
        """A document whole; LookupError where it has left."""
        with self.catalogue.read() as connection:
            return library.document(connection, number)

    def document_at(self, path: str | Path) -> Document | None:
        """The document that lies at a path."""
        with self.catalogue.read() as connection:
            number = library.at(connection, stored(whole(path)))
            return None if number is None else library.document(connection, number)

    def failures(self) -> list[Failure]:
        """Files that could not be read, with the reasons."""
        with self.catalogue.read() as connection:
            return library.failures(connection)

    def status(self) -> dict[str, Any]:
        """The figures of the collection, as plain values."""
        with self.catalogue.read() as connection:
            return library.status(connection, self.folder)

    def export(self, *, text: bool = True) -> Iterator[dict[str, Any]]:
        """Every document as plain values, one after the other."""
        with self.catalogue.read() as connection:
            yield from library.export(connection, text=text)

    def jobs(self, *, running: bool = False, limit: int = 50) -> list[jobs.Job]:
        """Long work under way or done, newest first, of every process."""
        with self.catalogue.read() as connection:
            return jobs.every(connection, running=running, limit=limit)

    def cancel(self, job: int) -> None:
        """Ask a job to stop, in whichever process it runs; what it has finished stays."""
        with self.catalogue.write() as connection:
            jobs.cancel(connection, job)


def _simple_offsets(text: str) -> list[tuple[int, int]]:
    """Words and CJK characters, for a collection without any model."""
    return [match.span() for match in _SIMPLE.finditer(text)]
