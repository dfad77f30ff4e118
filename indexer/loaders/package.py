"""Zip packages with limits, and their XML: what docx, pptx, odt and epub have in common. Extracts nothing to disk."""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote

from lxml import etree

from indexer.loaders.document import LoadError
from indexer.loaders.table import Job

MOST_MEMBERS = 20_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an old Office file, or a new one behind a password
NAMESPACE = re.compile(r"\{[^}]*\}")


class Package:
    """An open zip file whose members together may unpack to the limit of bytes and no further."""

    def __init__(self, data: bytes, job: Job) -> None:
        """LoadError where it is no zip, is encrypted, or would unpack to too much."""
        if data.startswith(OLE):
            kind = (
                "protected by a password" if b"E\0n\0c\0r\0y\0p\0t" in data else "an old Office file under a new name"
            )
            raise LoadError(f"{kind}; save it again as {job.name.rpartition('.')[2]} without protection")
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise LoadError(f"damaged: not a complete zip package ({error})") from error
        self.left = job.limits.bytes
        self.members = {info.filename: info for info in self.zip.infolist() if not info.is_dir()}
        if len(self.members) > MOST_MEMBERS:
            raise LoadError(f"{len(self.members):,} files in one package, more than {MOST_MEMBERS:,}")

    def __contains__(self, name: str) -> bool:
        """Whether there is a member of that name."""
        return name in self.members

    def read(self, name: str) -> bytes:
        """A member's bytes; LoadError for a bomb, a password or damage."""
        info = self.members.get(name)
        if info is None:
            raise LoadError(f"damaged: {name} is missing")
        if info.flag_bits & 1:
            raise LoadError("encrypted: it needs a password")
        if info.file_size > self.left:
            raise LoadError("unpacks to more than the limit of bytes; perhaps a zip bomb")
        try:
            with self.zip.open(info) as member:
                data = member.read(self.left + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise LoadError(f"damaged: {name} cannot be unpacked ({error})") from error
        self.left -= len(data)
        if self.left < 0:
            raise LoadError("unpacks to more than the limit of bytes; perhaps a zip bomb")
        return data

    def xml(self, name: str) -> Any:
        """A member's XML tree."""
        return parse(self.read(name), name)

    def relations(self, name: str) -> dict[str, str]:
        """Of an Office part: relation id to the member it leads to (external ones left out)."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", base + ".rels")
        if path not in self:
            return {}
        inside = [r for r in self.xml(path) if isinstance(r.tag, str) and r.get("TargetMode") != "External"]
        return {r.get("Id", ""): join(folder, r.get("Target", "")) for r in inside}

    def related(self, name: str, ending: str) -> list[str]:
        """The members an Office part leads to by relations whose type ends so."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", base + ".rels")
        if path not in self:
            return []
        found = [
            r.get("Target", "") for r in self.xml(path) if isinstance(r.tag, str) and r.get("Type", "").endswith(ending)
        ]
        return [member for target in found if (member := join(folder, target)) in self]


def parse(data: bytes, name: str) -> Any:
    """An XML tree: no entities expanded, nothing fetched, depth and text bounded by libxml2."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        tree = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise LoadError(f"damaged: {name} is not XML ({error})") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise LoadError("its XML nests or grows without end; probably hostile")
    if tree is None:
        raise LoadError(f"damaged: {name} is not XML")
    return tree


def join(folder: str, target: str) -> str:
    """A member's name from a link inside the package."""
    target = unquote(target.partition("#")[0])
    path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
    return posixpath.normpath(path)


def local(element: Any) -> str:
    """An element's name without its namespace; "" for comments and the like."""
    return NAMESPACE.sub("", element.tag) if isinstance(element.tag, str) else ""


def pieces(
    part: Any, taken: Collection[str], skipped: Collection[str], entered: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Name and element of each piece of a kind taken, in reading order.

    What lies inside a piece is left to the caller (but for the kinds `entered`), what lies inside a kind skipped to
    nobody. A stack and not a recursion: tables nest as deep as they like.
    """
    stack = [iter(part)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
            continue
        name = local(element)
        if name in taken:
            yield name, element
        if (name not in taken and name not in skipped) or name in entered:
            stack.append(iter(element))


def attribute(element: Any, name: str) -> str:
    """An attribute by its name without namespace, or ""."""
    return next((v for k, v in element.attrib.items() if NAMESPACE.sub("", k) == name), "")


def title_of(package: Package) -> str:
    """An Office document's title from its properties, or ""."""
    if "docProps/core.xml" not in package:
        return ""
    return next((e.text or "" for e in package.xml("docProps/core.xml").iter() if local(e) == "title"), "")
