"""Which files are read, and by which module: one row per family. Imports no parser before a row is first used."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PurePath
from typing import cast

from indexer.loaders.document import Limits, Loaded


@dataclass(frozen=True, slots=True)
class Job:
    """What a loader is told besides the bytes: the file's name, limits, how deep it lies, a charset said elsewhere."""

    name: str
    limits: Limits = field(default_factory=Limits)
    depth: int = 0
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Loader:
    """A family of files: its kind, the module whose `read(data, job)` loads it, the suffixes it answers to."""

    kind: str
    module: str
    suffixes: tuple[str, ...]

    def read(self, data: bytes, job: Job) -> Loaded:
        """Load the bytes; LoadError with a reason where they cannot be read."""
        module = import_module(f"indexer.loaders.{self.module}")
        return cast(Callable[[bytes, Job], Loaded], module.read)(data, job)


CODE = (
    ".py .pyi .pyx .js .mjs .cjs .jsx .ts .tsx .vue .svelte .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hh .hpp .cs .go .rs .rb .php "
    ".pl .pm .lua .r .jl .m .mm .swift .dart .zig .nim .ex .exs .erl .hs .ml .mli .clj .lisp .el .sh .bash .zsh .fish .ps1 .bat .sql .css "
    ".scss .less .toml .yaml .yml .ini .cfg .conf .properties .tf .proto .graphql .cmake .mk .gradle .dockerfile .f90 .asm .s .vim"
)
ROWS = (
    Loader("txt", "text", (".txt", ".text", ".log", ".org", ".adoc", ".asciidoc", ".srt", ".vtt")),
    Loader("md", "text", (".md", ".markdown", ".mdx", ".qmd", ".rmd")),
    Loader("rst", "text", (".rst",)),
    Loader("tex", "text", (".tex", ".bib")),
    Loader("code", "text", tuple(CODE.split())),
)
LOADERS: dict[str, Loader] = {suffix: row for row in ROWS for suffix in row.suffixes}
NAMES = {
    "readme": ".txt",
    "license": ".txt",
    "licence": ".txt",
    "changelog": ".txt",
    "notice": ".txt",
    "authors": ".txt",
}
NAMES |= {"makefile": ".mk", "dockerfile": ".dockerfile", "jenkinsfile": ".groovy", "gemfile": ".rb", "rakefile": ".rb"}


def loader_for(name: str) -> Loader | None:
    """The row for a file's name, or None where its type is not read."""
    path = PurePath(name)
    return LOADERS.get(path.suffix.lower() or NAMES.get(path.name.lower(), ""))
