"""What lies in a folder: every file once, by name, size and time. Opens none of them and knows no catalogue."""

import hashlib
import os
import stat
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from indexer.load import readable
from indexer.store import Met

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "$RECYCLE.BIN", "System Volume Information"})


@dataclass(slots=True)
class Scan:
    """`files` are to be read; `skipped` counts the types we do not read; `unlisted` folders could not be looked into.

    `real` has the path on disk of the few names that are stored otherwise.
    """

    root: Path
    files: list[Met] = field(default_factory=list)
    skipped: int = 0
    broken: list[tuple[Met, str]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    real: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing at all was there, as when a disk is not mounted."""
        return not (self.files or self.skipped or self.broken)


def stored(path: str | os.PathLike[str]) -> str:
    """A path as the catalogue writes it. Names that are not UTF-8 become readable escapes: SQL takes no loose bytes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def whole(path: str | os.PathLike[str]) -> Path:
    """A path as a person may write it, from the root and without "..": one folder has one name."""
    return Path(os.path.abspath(Path(path).expanduser()))


def scan(root: Path) -> Scan:
    """Walk a folder (or take one file). Links are followed, each real folder once, so that a loop of links ends."""
    found = Scan(root)
    if root.is_file():
        _meet(found, os.fspath(root), root.name)
        return found
    if not root.is_dir():
        raise FileNotFoundError(f"no folder or file at {root}; nothing was changed")
    folders, links, seen = deque([os.fspath(root)]), deque[str](), set[tuple[int, int]]()
    while folders or links:  # links last: a folder is known by its own name where it has one
        folder = folders.popleft() if folders else links.popleft()
        _list(found, folder, folders, links, seen)
    found.files.sort(key=lambda met: met.path)
    return found


def _list(found: Scan, folder: str, folders: deque[str], links: deque[str], seen: set[tuple[int, int]]) -> None:
    try:
        here = os.stat(folder)
        if (here.st_dev, here.st_ino) in seen:
            return
        seen.add((here.st_dev, here.st_ino))
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        found.unlisted.append(stored(folder))
        return
    for entry in entries:
        hidden = entry.name.startswith(".")
        if _is_folder(entry):
            if not hidden and entry.name not in SKIPPED_FOLDERS:
                (links if entry.is_symlink() else folders).append(entry.path)
        elif hidden:
            found.skipped += 1
        else:
            _meet(found, entry.path, entry.name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _meet(found: Scan, path: str, name: str) -> None:
    if not readable(Path(name)):
        found.skipped += 1
        return
    seen = time.time_ns()
    try:
        facts = os.stat(path)
    except OSError as error:
        why = "a link that leads nowhere" if os.path.islink(path) else f"cannot be looked at: {error.strerror}"
        found.broken.append((Met(stored(path), 0, 0, seen), why))
        return
    if stored(path) != path:
        found.real[stored(path)] = path
    if stat.S_ISREG(facts.st_mode):
        found.files.append(Met(stored(path), facts.st_size, facts.st_mtime_ns, seen))
    else:
        found.skipped += 1  # a pipe or a device: reading it could wait for ever


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
