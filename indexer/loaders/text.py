"""Plain text, Markdown, reStructuredText and source code: the text as it is, every character kept."""

from indexer.encoding import EncodingError, decode
from indexer.loaders.document import Loaded, LoadError, Page, clean
from indexer.loaders.structure import STRUCTURES, heading_text
from indexer.loaders.table import Job, loader_for


def decoded(data: bytes, job: Job) -> tuple[str, str]:
    """The file's text and encoding; LoadError where the encoding is not sure or the text too long."""
    if len(data) > 4 * job.limits.characters:
        raise LoadError(
            f"{len(data) / 1e6:,.0f} MB of text, more than {job.limits.characters:,} characters; split the file"
        )
    try:
        text, encoding = decode(data, job.charset)
    except EncodingError as error:
        raise LoadError(str(error)) from error
    text = clean(text)
    if len(text) > job.limits.characters:
        raise LoadError(f"{len(text):,} characters of text, more than {job.limits.characters:,}; split the file")
    return text, encoding


def read(data: bytes, job: Job) -> Loaded:
    """The whole text with its blocks; the first heading is the title."""
    text, encoding = decoded(data, job)
    loader = loader_for(job.name)
    kind = loader.kind if loader else "txt"
    blocks = tuple(STRUCTURES.get(kind, STRUCTURES["txt"])(text))
    heading = next((b for b in blocks[:20] if b.kind == "heading"), None)
    title = heading_text(text[heading.start : heading.end]) if heading else ""
    notes = ("some bytes are not valid UTF-8 and were replaced",) if "damaged" in encoding else ()
    return Loaded(text, (Page("", 0, len(text)),), kind, title, encoding, blocks, notes)
