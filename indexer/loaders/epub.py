"""Books (EPUB): chapters in reading order, a page each."""

import posixpath

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.markup import write_html
from indexer.loaders.package import Package, attribute, join, local
from indexer.loaders.table import Job
from indexer.loaders.text import decoded


def read(data: bytes, job: Job) -> Loaded:
    """Every chapter the book's spine names."""
    package = Package(data, job)
    if "META-INF/encryption.xml" in package and "META-INF/rights.xml" in package:
        raise LoadError("encrypted: the book is protected against reading by other programs")
    container = package.xml("META-INF/container.xml")
    root = next((attribute(e, "full-path") for e in container.iter() if local(e) == "rootfile"), "")
    book = package.xml(root)
    folder = posixpath.dirname(root)
    files = {e.get("id", ""): join(folder, e.get("href", "")) for e in book.iter() if local(e) == "item"}
    spine = [files.get(e.get("idref", ""), "") for e in book.iter() if local(e) == "itemref"]
    draft = Draft(job.limits)
    for number, name in enumerate((name for name in spine if name in package), 1):
        draft.page(f"chapter {number}")
        text, _ = decoded(package.read(name), job)
        write_html(draft, text)
    return draft.done("epub", title=next((e.text or "" for e in book.iter() if local(e) == "title"), ""))
