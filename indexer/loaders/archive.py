"""Archives: every readable member, a page (or several) each under its name; nothing is ever written to disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import IO, cast

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.nested import join
from indexer.loaders.package import Package
from indexer.loaders.table import Job, loader_for

MOST_MEMBERS = 20_000
OPENERS: dict[str, Callable[[IO[bytes]], object]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TARS = {".tar": "", ".tgz": ".gz", ".tbz2": ".bz2", ".txz": ".xz"}
DAMAGED = (OSError, EOFError, lzma.LZMAError, zlib.error, tarfile.TarError)


def read(data: bytes, job: Job) -> Loaded:
    """A zip file."""
    package = Package(data, job)
    draft, read_any = Draft(job.limits), False
    for name in sorted(package.members):
        if loader_for(PurePath(name).name) and not is_rubbish(name):
            read_any |= join(draft, name, package.read(name), job)
    return finished(draft, read_any, len(package.members))


def read_tar(data: bytes, job: Job) -> Loaded:
    """A tar file, packed or not."""
    packing = TARS.get(PurePath(job.name).suffix.lower(), "")
    return tar_members(unpacked(data, packing, job) if packing else data, job)


def read_packed(data: bytes, job: Job) -> Loaded:
    """One packed file, which may be a tar file."""
    path = PurePath(job.name)
    inside = unpacked(data, path.suffix.lower(), job)
    if path.stem.lower().endswith(".tar"):
        return tar_members(inside, job)
    loader = loader_for(path.stem)
    if loader is None:
        raise LoadError(f"the packed file {path.stem!r} is of a type that is not read")
    if job.depth >= job.limits.depth:
        raise LoadError(f"packed more than {job.limits.depth} times")
    return loader.read(inside, Job(path.stem, job.limits, job.depth + 1))


def unpacked(data: bytes, packing: str, job: Job) -> bytes:
    """The bytes unpacked, within the limit."""
    try:
        with cast(IO[bytes], OPENERS[packing](io.BytesIO(data))) as file:
            inside = file.read(job.limits.bytes + 1)
    except DAMAGED as error:
        raise LoadError(f"damaged: cannot be unpacked ({error})") from error
    if len(inside) > job.limits.bytes:
        raise LoadError("unpacks to more than the limit of bytes; perhaps a bomb")
    return inside


def tar_members(data: bytes, job: Job) -> Loaded:
    """Every readable regular file of a tar file; links and devices are passed over."""
    draft, read_any, count = Draft(job.limits), False, 0
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                count += 1
                if count > MOST_MEMBERS:
                    raise LoadError(f"more than {MOST_MEMBERS:,} files in one archive")
                if member.isreg() and loader_for(PurePath(member.name).name) and not is_rubbish(member.name):
                    read_any |= join(draft, member.name, cast(IO[bytes], tar.extractfile(member)).read(), job)
    except DAMAGED as error:
        raise LoadError(f"damaged: not a complete tar file ({error})") from error
    return finished(draft, read_any, count)


def is_rubbish(name: str) -> bool:
    """Whether a member is what a system leaves behind, not what a person put in."""
    return name.startswith("__MACOSX/") or PurePath(name).name.startswith("._")


def finished(draft: Draft, read_any: bool, count: int) -> Loaded:
    """The document of all members; LoadError where none could be read."""
    if not read_any:
        why = f": {draft.notes[0].rpartition(': ')[2]}" if draft.notes else ""  # the innermost reason
        raise LoadError(f"none of its {count:,} files can be read{why}" if count else "an empty archive")
    return draft.done("archive")
