"""One writer at a time for a collection: a lock file that names its holder. Readers never look at it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Busy(RuntimeError):
    """Another process or thread is writing to the collection."""


class WriterLock:
    """Held from `with` to its end.

    The system drops it with the process, so a killed writer leaves nothing to clean up.
    """

    def __init__(self, folder: Path, purpose: str) -> None:
        """`purpose` is what the second writer reads: "ingest /home/me/papers"."""
        self.file = folder / "writer.lock"
        self.purpose = purpose
        self.handle: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the lock, or say who has it."""
        handle = open(self.file, "a+", encoding="utf-8")
        try:
            _lock(handle)
        except OSError:
            holder = _holder(handle)
            handle.close()
            raise Busy(
                f"the collection is being written to by {holder}: wait for it to end, or stop it, and try again"
            ) from None
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()} ({self.purpose}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC)\n")
        handle.flush()
        self.handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go. The file stays: removing it would let two writers lock two files of one name."""
        if self.handle is not None:
            self.handle.seek(0)
            self.handle.truncate()
            self.handle.close()
            self.handle = None


def _holder(handle: IO[str]) -> str:
    handle.seek(0)
    return handle.read().strip() or "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[str]) -> None:
        handle.seek(1 << 20)  # a byte past the text, so that the holder's name can still be read
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: IO[str]) -> None:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
