"""Plain text, Markdown, reStructuredText and source code: the text as it is."""

from indexer.encoding import EncodingError, decode
from indexer.loaders.document import Block, Loaded, LoadError, Page, clean
from indexer.loaders.table import Job, loader_for


def read(data: bytes, job: Job) -> Loaded:
    """The whole text, every character kept."""
    try:
        text, encoding = decode(data, job.charset)
    except EncodingError as error:
        raise LoadError(str(error)) from error
    text = clean(text)
    loader = loader_for(job.name)
    block = Block(0, len(text), "paragraph")
    return Loaded(text, (Page("", 0, len(text)),), loader.kind if loader else "txt", "", encoding, (block,))
