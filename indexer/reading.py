"""The first half of an ingestion, a thread of its own: files are hashed, read and cut ahead of the engine."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.belt import Belt, Closed
from indexer.catalogue import Catalogue
from indexer.chunk import Chunk, cut
from indexer.load import Loaded, LoadError, Reader
from indexer.scan import digest
from indexer.store import Key, Met, find

AHEAD = 4_000_000  # characters read and not yet embedded: bounds memory, whatever the folder holds
LIGHTEST = 20_000  # what an item without text counts as, so that a belt holds 200 of them

Cut = Callable[[Loaded], list[Chunk]]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A file with content the collection does not have."""

    met: Met
    key: Key
    loaded: Loaded
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose content is in the collection, or on the belt before it."""

    met: Met
    key: Key


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be read; `lasting`: reading it again would end the same way."""

    met: Met
    reason: str
    lasting: bool
    key: Key | None = None


Item = Fresh | Known | Failed


class Reading:
    """Turns files met into items on a belt; runs from `start` until the files or the taker end."""

    def __init__(self, catalogue: Catalogue, files: Sequence[Met], real: Mapping[str, str], cutter: Cut) -> None:
        """`real` gives the path on disk of names that are stored otherwise."""
        self.catalogue, self.files, self.real, self.cutter = catalogue, files, real, cutter
        self.belt: Belt[Item] = Belt(AHEAD)
        self._seen: set[Key] = set()
        self._reader: Reader | None = None
        self._thread = threading.Thread(target=self._run, name="twofold-reading", daemon=True)

    def start(self) -> None:
        """Begin reading ahead."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, in the middle of a file too."""
        self.belt.drop()
        while self._thread.is_alive():
            if self._reader is not None:
                self._reader.close()  # again and again: a reader tries a file once more in a new process
            self._thread.join(0.2)

    def _run(self) -> None:
        try:
            with Reader() as self._reader:
                for met in self.files:
                    item = self._item(met, self._reader)
                    self.belt.put(item, LIGHTEST + (len(item.loaded.text) if isinstance(item, Fresh) else 0))
            self.belt.end()
        except Closed:
            return
        except BaseException as error:
            self.belt.end(error)

    def _item(self, met: Met, reader: Reader) -> Item:
        path = Path(self.real.get(met.path, met.path))
        try:
            key = Key(digest(path), path.suffix.lower())
        except OSError as error:
            return Failed(met, f"cannot be opened: {error.strerror or error}", lasting=False)
        if key in self._seen or self._stored(key):
            return Known(met, key)
        self._seen.add(key)
        return self._read(met, key, path, reader)

    def _read(self, met: Met, key: Key, path: Path, reader: Reader) -> Item:
        try:
            loaded = reader.load(path)
            if _changed(path, met):
                return Failed(
                    met, "it changed while it was being read; the next run reads it again", lasting=False, key=key
                )
            chunks = self.cutter(loaded)
        except LoadError as error:
            return Failed(met, str(error), lasting=True, key=key)
        except (OSError, ValueError) as error:
            return Failed(met, f"cannot be read: {error}", lasting=not isinstance(error, OSError), key=key)
        if not chunks:
            return Failed(met, "holds no text", lasting=True, key=key)
        return Fresh(met, key, replace(loaded, blocks=()), chunks)  # blocks have served: they weigh more than the text

    def _stored(self, key: Key) -> bool:
        with self.catalogue.read() as connection:
            return find(connection, key) is not None


def _changed(path: Path, met: Met) -> bool:
    facts = path.stat()
    return (facts.st_size, facts.st_mtime_ns) != (met.size, met.mtime_ns)


def cutter(offsets: Callable[[str], list[tuple[int, int]]], size: int, overlap: int) -> Cut:
    """A function that cuts documents into chunks of `size` tokens."""
    return lambda loaded: cut(loaded, offsets, size=size, overlap=overlap)
