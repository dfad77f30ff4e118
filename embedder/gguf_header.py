"""The header of a GGUF file: what it says of itself and where its tensors lie. Reads no weights, needs no library.

A file is checked here before llama.cpp sees it: what is no GGUF, cut short or inconsistent is refused with the reason.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
TEXT, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# (values in a block, bytes of a block) of the number formats, by their id in the format's own table
FORMATS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip
LONGEST_TEXT = 2**26  # bytes; a longer string means that the file is not what it says
MOST = 2**24  # entries of an array, tensors, keys


@dataclass(frozen=True, slots=True)
class Array:
    """An array in a header, not yet read: what it holds, how many of it, and where its first entry begins."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself. `tensors`: shapes by name; `offset_of_data`: where the weights begin."""

    path: Path
    values: dict[str, Any] = field(repr=False)
    tensors: dict[str, tuple[int, ...]] = field(repr=False)
    end_of_values: int
    offset_of_data: int

    @property
    def architecture(self) -> str:
        """The architecture's name, "" where the file names none."""
        return str(self.values.get("general.architecture", ""))

    def get(self, key: str, default: Any = None) -> Any:
        """A value; {arch} in a key stands for the architecture. Arrays come as `Array`."""
        return self.values.get(key.replace("{arch}", self.architecture), default)


def read_header(path: Path) -> Header:
    """The header of a GGUF file; ValueError for a file that is none, is cut short, or contradicts itself."""
    if not path.is_file():
        raise ValueError(f"no file {path}")
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise ValueError(f"{path.name} is no GGUF file: it does not begin with {MAGIC.decode()}")
        try:
            return _read(file, path)
        except (struct.error, EOFError, OverflowError, MemoryError) as error:
            raise ValueError(f"{path.name} is cut short or damaged: its header ends early") from error
        except _Damaged as error:
            raise ValueError(f"{path.name} is cut short or damaged: {error}") from error


def read_array(header: Header, key: str) -> list[Any]:
    """The entries of an array, strings as text; [] where the file has none of that name."""
    array = header.get(key)
    if not isinstance(array, Array):
        return []
    with header.path.open("rb") as file:
        file.seek(array.offset)
        if array.kind == TEXT:
            return [_text(file) for _ in range(array.count)]
        code = SCALARS[array.kind]
        return list(struct.unpack(f"<{array.count}{code}", _exactly(file, array.count * struct.calcsize(code))))


class _Damaged(Exception):
    pass


def _read(file: BinaryIO, path: Path) -> Header:
    version, tensors, values = struct.unpack("<IQQ", _exactly(file, 20))
    if version not in VERSIONS:
        raise ValueError(f"{path.name} is a GGUF file of version {version}; versions 2 and 3 are read")
    if max(tensors, values) > MOST:
        raise _Damaged(f"it claims {tensors} tensors and {values} keys")
    known = {_text(file): _value(file) for _ in range(values)}
    end = file.tell()
    infos = list(_tensors(file, tensors))
    alignment = int(known.get("general.alignment", 32))
    begin = math.ceil(file.tell() / max(alignment, 1)) * alignment
    size = path.stat().st_size
    for name, shape, kind, offset in infos:
        if begin + offset + _bytes(name, shape, kind) > size:
            raise _Damaged(f"it ends at {size:,} bytes, before the end of the tensor {name}")
    return Header(path, known, {name: shape for name, shape, _, _ in infos}, end, begin)


def _tensors(file: BinaryIO, count: int) -> Iterator[tuple[str, tuple[int, ...], int, int]]:
    for _ in range(count):
        name = _text(file)
        (dimensions,) = struct.unpack("<I", _exactly(file, 4))
        if not 1 <= dimensions <= 4:
            raise _Damaged(f"the tensor {name[:60]!r} has {dimensions} dimensions")
        shape = struct.unpack(f"<{dimensions}Q", _exactly(file, 8 * dimensions))
        kind, offset = struct.unpack("<IQ", _exactly(file, 12))
        yield name, shape, kind, offset


def _bytes(name: str, shape: tuple[int, ...], kind: int) -> int:
    """Size of a tensor's data; of a number format newer than this table only the beginning is checked."""
    values, size = FORMATS.get(kind, (1, 0))
    if math.prod(shape) > 2**48 or shape[0] % values:
        raise _Damaged(f"the tensor {name[:60]!r} cannot have the shape {shape}")
    return math.prod(shape) // values * size


def _value(file: BinaryIO) -> Any:
    (kind,) = struct.unpack("<I", _exactly(file, 4))
    if kind == TEXT:
        return _text(file)
    if kind == ARRAY:
        return _skip(file)
    return _scalar(file, kind)


def _scalar(file: BinaryIO, kind: int) -> Any:
    if kind not in SCALARS:
        raise _Damaged(f"it has a value of the unknown kind {kind}")
    code = SCALARS[kind]
    return struct.unpack(f"<{code}", _exactly(file, struct.calcsize(code)))[0]


def _skip(file: BinaryIO) -> Array:
    """Past an array, which can be a vocabulary of a hundred thousand strings."""
    kind, count = struct.unpack("<IQ", _exactly(file, 12))
    if count > MOST or kind not in (*SCALARS, TEXT):
        raise _Damaged(f"it has an array of {count} entries of kind {kind}")
    array = Array(kind, count, file.tell())
    if kind != TEXT:
        file.seek(count * struct.calcsize(SCALARS[kind]), 1)
        return array
    for _ in range(count):
        file.seek(_length(file), 1)
    return array


def _length(file: BinaryIO) -> int:
    length = int.from_bytes(_exactly(file, 8), "little")
    if length > LONGEST_TEXT:
        raise _Damaged(f"it has a string of {length:,} bytes")
    return length


def _text(file: BinaryIO) -> str:
    return _exactly(file, _length(file)).decode("utf-8", "replace")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data
