"""The reading process that `indexer.load.Reader` starts: requests in, documents or reasons out, until the pipe ends."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from indexer.loaders import confine, quality, wire
from indexer.loaders.document import Limits, Loaded, LoadError
from indexer.loaders.table import Job, loader_for


def open_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our two pipes, moved away from 0 and 1 so that no parser reads or prints into them."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return requests, answers


def contents(path: Path, limits: Limits) -> bytes:
    """A file's bytes, within the limit; LoadError where there are none or too many."""
    if not path.is_file():
        raise LoadError("not an ordinary file" if path.exists() else "no longer there")
    if path.stat().st_size > limits.bytes:
        raise LoadError(f"larger than {limits.bytes / 2**20:,.0f} MiB, the limit; split the file")
    with path.open("rb") as file:
        data = file.read(limits.bytes)
    if not data:
        raise LoadError("the file is empty")
    return data


def read(path: Path, limits: Limits) -> Loaded:
    """Load one file within its limits."""
    loader = loader_for(path.name)
    if loader is None:
        raise LoadError(f"files of type {path.suffix or path.name!r} are not read")
    return quality.check(loader.read(contents(path, limits), Job(path.name, limits)))


def draw(path: Path, limits: Limits, page: list[int]) -> tuple[dict[str, object], bytes]:
    """A page of a PDF as a picture: its number, the passage's start and end on it, the width in pixels."""
    from indexer.loaders.pdf import picture

    number, start, end, width = page
    drawn = picture(contents(path, limits), number, start, end, width=width)
    return {"boxes": drawn.boxes}, drawn.png


def reason(error: BaseException) -> str:
    """What went wrong in words a person understands; the parser's own words come last."""
    if isinstance(error, LoadError):
        return str(error)
    if isinstance(error, MemoryError):
        return "needs more memory than the limit allows"
    if isinstance(error, RecursionError):
        return "nested too deeply to be read"
    if isinstance(error, OSError):
        return f"could not be opened: {error.strerror or error}"
    detail = " ".join(str(error).split())[:200]
    return f"damaged, or not what its name says ({type(error).__name__}{': ' * bool(detail)}{detail})"


def answer(request: dict[str, object]) -> tuple[dict[str, object], bytes]:
    """One request's answer: a document, or a reason; always how much memory this process has held."""
    limits = Limits(**request["limits"])  # type: ignore[arg-type]
    confine.allow_seconds(limits.seconds)
    path, page, body = Path(str(request["path"])), request.get("page"), b""
    try:
        header, body = draw(path, limits, page) if isinstance(page, list) else wire.pack(read(path, limits))
    except Exception as error:  # a parser can raise anything; whatever it is belongs to this file alone
        header = {"reason": reason(error)}
    return header | {"resident": confine.resident()}, body


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = open_pipes()
    confine.confine(int(sys.argv[1]))
    while (message := wire.receive(requests, 0)) is not None:
        wire.send(answers, *answer(message[0]))


if __name__ == "__main__":
    main()
