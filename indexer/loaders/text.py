"""Plain text, Markdown, reStructuredText and source code: the text as it is, every character kept."""

from indexer.encoding import EncodingError, decode
from indexer.loaders.document import Block, Loaded, LoadError, Page, clean
from indexer.loaders.front import front
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
    """The whole text with its blocks; its title is what a Markdown file's own settings say, else its heading."""
    text, encoding = decoded(data, job)
    loader = loader_for(job.name)
    kind = loader.kind if loader else "txt"
    settings, title = front(text) if kind == "md" else (0, "")
    blocks = structured(text, kind, settings)
    notes = ("some bytes are not valid UTF-8 and were replaced",) if "damaged" in encoding else ()
    return Loaded(text, (Page("", 0, len(text)),), kind, title or headed(text, blocks), encoding, blocks, notes)


def structured(text: str, kind: str, settings: int) -> tuple[Block, ...]:
    """The blocks of a text; the settings it begins with, up to that character, are one of their own."""
    found = STRUCTURES.get(kind, STRUCTURES["txt"])(text[settings:])
    if not settings:
        return tuple(found)
    moved = [Block(block.start + settings, block.end + settings, block.kind, block.level) for block in found]
    return (Block(0, settings, "paragraph"), *moved)


def headed(text: str, blocks: tuple[Block, ...]) -> str:
    """The first heading, unless it is a section's: one of several of its level, none of them at the top level."""
    heading = next((block for block in blocks[:20] if block.kind == "heading"), None)
    if heading is None:
        return ""
    peers = [block for block in blocks if block.kind == "heading" and block.level <= heading.level]
    if heading.level > 1 and len(peers) > 1:
        return ""
    return heading_text(text[heading.start : heading.end])
