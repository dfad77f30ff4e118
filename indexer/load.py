"""Files in, documents out: reads files of known types inside a confined process. Knows no chunk, vector, catalogue."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from indexer.loaders import wire
from indexer.loaders.document import Block, Limits, Loaded, LoadError, Page, Picture
from indexer.loaders.table import LOADERS, Loader, loader_for

__all__ = ["LOADERS", "Block", "Limits", "LoadError", "Loaded", "Loader", "Page", "Picture", "Reader", "readable"]

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 5  # processor time is limited inside; on a busy machine the clock on the wall runs that much faster
MOST_FILES, MOST_MEMORY = 400, 512 * 2**20  # a reading process is replaced after so many files, or once so large


def readable(path: Path) -> bool:
    """Whether files of this name are of a type we read; the file itself is not looked at."""
    return loader_for(path.name) is not None


class Reader:
    """A confined process that reads one file at a time, and is replaced when a file takes it down.

    Use it as a context manager. One thread at a time: a Reader belongs to one ingestion.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        """Nothing is started before the first file."""
        self.limits = limits or Limits()
        self.process: subprocess.Popen[bytes] | None = None
        self._swap = threading.Lock()
        self.files = 0
        self.resident = 0  # the most memory any reading process has held, in bytes
        self.memory = 0
        self.ending = ""

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def load(self, path: Path, limits: Limits | None = None) -> Loaded:
        """Read a file; LoadError with a reason a person understands where it cannot be read."""
        answer = self._answer({"path": os.path.abspath(path)}, limits or self.limits)
        try:
            return wire.unpack(*answer)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self.close()  # a process that sends nonsense was taken over by a file
            raise LoadError(
                "reading it made the reading process send nonsense; the file is probably hostile"
            ) from error

    def picture(self, path: Path, page: int, start: int = 0, end: int = 0, *, width: int = 1000) -> Picture:
        """Page `page` (from 1) of a PDF as PNG, and a box for each line of the page's text[start:end].

        Offsets count from the page's own start: a chunk's minus its `Page.start`.
        """
        request = {"path": os.path.abspath(path), "page": [page, start, end, width]}
        header, png = self._answer(request, self.limits)
        boxes = ((float(a), float(b), float(c), float(d)) for a, b, c, d in header["boxes"])
        return Picture(png, tuple(boxes))

    def _answer(self, request: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], bytes]:
        """The answer to a request; LoadError where there is none."""
        fresh = self.process is None
        answer = self._ask(request, limits)
        if answer is None and not fresh:  # an earlier file may have left the process damaged: once more in a new one
            answer = self._ask(request, limits)
        if answer is None:
            raise LoadError(self.ending)
        if "reason" in answer[0]:
            raise LoadError(str(answer[0]["reason"]))
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        with self._swap:  # who stops a reading may close while the reading thread starts anew: no process is lost
            process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # a request half written to a process that has gone
                cast(BinaryIO, pipe).close()

    def _ask(self, request: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], bytes] | None:
        """Send one request; None where the process died over it (`ending` says how), LoadError where time ran out."""
        process = self._start(limits)
        late = threading.Event()
        timer = threading.Timer(PATIENCE * limits.seconds, end_late, (process, late))
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                wire.send(cast(BinaryIO, process.stdin), request | {"limits": wire.pack_limits(limits)})
            answer = wire.receive(cast(BinaryIO, process.stdout), 4 * limits.characters + 32 * wire.MOST_BLOCKS)
        except BaseException:  # a refused answer or Ctrl-C: what is left in the pipe belongs to no later request
            self.close()
            raise
        finally:
            timer.cancel()
        if late.is_set() or answer is None:
            code = process.wait()
            self.close()
            if answer is None and (late.is_set() or code == -getattr(signal, "SIGXCPU", 0)):
                raise LoadError(f"took longer than {limits.seconds:g} seconds, the limit")
            self.ending = describe(code)
        else:
            self._after(answer[0])
        return answer

    def _after(self, header: dict[str, Any]) -> None:
        """Count the file; a process that has grown or worked long is let go, so that memory stays bounded."""
        self.files += 1
        self.resident = max(self.resident, int(header.get("resident", 0)))
        if self.files % MOST_FILES == 0 or int(header.get("resident", 0)) > MOST_MEMORY:
            self.close()

    def _start(self, limits: Limits) -> subprocess.Popen[bytes]:
        """The running process, or a new one; the memory limit is set once per process."""
        if limits.memory != self.memory:
            self.close()
        self.memory = limits.memory
        process = self.process
        if process is None:
            # -P and our own PYTHONPATH: a json.py lying in the current folder must not be imported
            keep = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
            env = keep | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "indexer.loaders", str(limits.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
                start_new_session=True,  # Ctrl-C is for the one who waits, not for the reading process
            )
            self.process = process
        return process


def end_late(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    """Kill a process whose time is over."""
    late.set()
    process.kill()


def describe(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"the reading process stopped without an answer (exit {code})"
    how = "killed, probably for memory" if code == -signal.SIGKILL else signal.Signals(-code).name
    return f"reading it crashed the parser ({how}); the file is probably damaged or hostile"
