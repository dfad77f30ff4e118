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
    """A family of files: its kind, the function(data, job) that loads it as "module:function", its suffixes."""

    kind: str
    function: str
    suffixes: tuple[str, ...]

    def read(self, data: bytes, job: Job) -> Loaded:
        """Load the bytes; LoadError with a reason where they cannot be read."""
        module, _, name = self.function.partition(":")
        function = getattr(import_module(f"indexer.loaders.{module}"), name or "read")
        return cast(Callable[[bytes, Job], Loaded], function)(data, job)


CODE = (
    ".py .pyi .pyx .js .mjs .cjs .jsx .ts .tsx .vue .svelte .java .kt .kts .scala .groovy .gradle .c .h .cc .cpp "
    ".cxx .hh .hpp .cs .go .rs .rb .php .pl .pm .lua .r .jl .m .mm .swift .dart .zig .nim .ex .exs .erl .hs .ml "
    ".mli .clj .lisp .el .sh .bash .zsh .fish .ps1 .bat .sql .css .scss .less .toml .yaml .yml .ini .cfg .conf "
    ".properties .tf .proto .graphql .cmake .mk .dockerfile .f90 .asm .s .vim "
)
ROWS = (
    Loader("txt", "text", (".txt", ".text", ".log", ".srt", ".vtt")),
    Loader("md", "text", (".md", ".markdown", ".mdx", ".qmd", ".rmd")),
    Loader("rst", "text", (".rst",)),
    Loader("org", "text", (".org", ".adoc", ".asciidoc")),
    Loader("tex", "text", (".tex", ".bib")),
    Loader("code", "text", tuple(CODE.split())),
    Loader("html", "markup", (".html", ".htm", ".xhtml")),
    Loader("xml", "markup:read_xml", (".xml", ".rss", ".atom")),
    Loader("pdf", "pdf", (".pdf",)),
    Loader("docx", "docx", (".docx", ".docm")),
    Loader("pptx", "pptx", (".pptx", ".pptm")),
    Loader("xlsx", "xlsx", (".xlsx", ".xlsm")),
    Loader("odt", "odf", (".odt", ".ods", ".odp")),
    Loader("csv", "csv", (".csv", ".tsv")),
    Loader("ipynb", "notebook", (".ipynb",)),
    Loader("json", "json", (".json", ".jsonl", ".ndjson", ".geojson")),
    Loader("eml", "mail", (".eml",)),
    Loader("mbox", "mail:read_mbox", (".mbox",)),
    Loader("epub", "epub", (".epub",)),
    Loader("rtf", "rtf", (".rtf",)),
    Loader("archive", "archive", (".zip",)),
    Loader("archive", "archive:read_tar", (".tar", ".tgz", ".tbz2", ".txz")),
    Loader("archive", "archive:read_packed", (".gz", ".bz2", ".xz")),
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
