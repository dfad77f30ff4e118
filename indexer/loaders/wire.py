"""Documents over a pipe: lengths, a JSON header, the text. Knows no format; trusts nothing from the other end."""

import json
from array import array
from dataclasses import asdict
from typing import Any, BinaryIO

from indexer.loaders.document import BLOCK_KINDS, Block, Limits, Loaded, LoadError, Page

HEADER_LIMIT = 64 * 2**20  # bytes
MOST_BLOCKS = 200_000


def send(pipe: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message: header length, body length (8 bytes each), header, body."""
    head = json.dumps(header).encode()
    pipe.write(len(head).to_bytes(8, "big") + len(body).to_bytes(8, "big"))
    pipe.write(head)
    pipe.write(body)
    pipe.flush()


def receive(pipe: BinaryIO, limit: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one message of at most `limit` bytes of body, or None where the other end has gone."""
    sizes = pipe.read(16)
    if len(sizes) < 16:
        return None
    head_size, body_size = int.from_bytes(sizes[:8], "big"), int.from_bytes(sizes[8:], "big")
    if head_size > HEADER_LIMIT or body_size > limit:
        raise LoadError(f"the reader sent {head_size + body_size:,} bytes, more than the limits allow")
    head, body = pipe.read(head_size), pipe.read(body_size)
    if len(head) < head_size or len(body) < body_size:
        return None
    header = json.loads(head)
    return header, body


def pack(loaded: Loaded) -> tuple[dict[str, Any], bytes]:
    """A document as header and body."""
    header = {"kind": loaded.kind, "title": loaded.title, "encoding": loaded.encoding, "notes": loaded.notes}
    pages = [[p.label, p.start, p.end] for p in loaded.pages]
    blocks = fewer(loaded.blocks)
    flat = array("q", (n for b in blocks for n in (b.start, b.end, BLOCK_KINDS.index(b.kind), b.level)))
    return header | {"pages": pages, "blocks": len(blocks)}, flat.tobytes() + loaded.text.encode()


def fewer(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks, or where there are very many, runs of neighbours as one: a million log lines need no structure."""
    if len(blocks) <= MOST_BLOCKS:
        return blocks
    run = -(-len(blocks) // MOST_BLOCKS)
    groups = (blocks[index : index + run] for index in range(0, len(blocks), run))
    return tuple(Block(group[0].start, group[-1].end, "paragraph") for group in groups)


def unpack(header: dict[str, Any], body: bytes) -> Loaded:
    """The document of a header and body; LoadError where a span leaves the text."""
    size = 32 * int(header["blocks"])  # four numbers of eight bytes each
    flat = array("q", body[:size])
    text = body[size:].decode()
    pages = tuple(Page(str(label), start, end) for label, start, end in header["pages"])
    quads = zip(flat[0::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
    blocks = tuple(Block(start, end, BLOCK_KINDS[kind], level) for start, end, kind, level in quads)
    for spans in (pages, blocks):
        last = 0
        for span in spans:
            if not last <= span.start <= span.end <= len(text):
                raise LoadError("the reader sent parts that do not fit their text")
            last = span.end
    kind, title, encoding = (str(header[name]) for name in ("kind", "title", "encoding"))
    return Loaded(text, pages, kind, title, encoding, blocks, tuple(map(str, header["notes"])))


def pack_limits(limits: Limits) -> dict[str, Any]:
    """Limits as a header's field."""
    return asdict(limits)
