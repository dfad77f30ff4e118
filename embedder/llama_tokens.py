"""A GGUF file's vocabulary as the methods need it: ids by llama.cpp, special tokens by id, spans in characters.

A text is never searched for special tokens. The library always matches "user-defined" ones, which some files have for
markers such as <think>: a text with one in it is read with a copy of the vocabulary in which they are control tokens.
"""

import ctypes
import re
import struct
import tempfile
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import PreTokenizedString, Regex

from embedder.gguf_header import Array, Header, read_array
from embedder.llama_library import LlamaModel, library
from embedder.llama_template import Template
from embedder.roles import BRACKETED, Roles, sound

KINDS = ("llama", "gpt2")  # SentencePiece with scores, byte-level BPE: what decoders have
CONTROL, USER_DEFINED = 3, 4  # kinds of tokens in the file
UNKNOWN_BIT, CONTROL_BIT, USER_BIT, RSTRIP_BIT = 1, 8, 16, 256  # and in the library
COMPOSED = (
    "qwen2",
    "qwen35",
    "deepseek-r1-qwen",
)  # tokenizers that compose characters (NFC) first, which llama.cpp leaves out


class LlamaTokens(Roles):
    """Text to ids and back by the vocabulary of a file; it needs no weights, so it outlives a model that is closed."""

    def __init__(self, header: Header, *, name: str) -> None:
        self._api, self._header = library(), header
        self._model = LlamaModel(header.path, vocabulary_only=True)
        self._scored = header.get("tokenizer.ggml.model") == "llama"  # SentencePiece, which writes a space as ▁
        self._spaced = self._scored and bool(header.get("tokenizer.ggml.add_space_prefix", True))
        # transformers' Llama begins a text with one space at least, others with one more than the text has
        self._one_space = self._spaced and header.architecture == "llama"
        self._composes = header.get("tokenizer.ggml.pre") in COMPOSED
        self._pieces: dict[int, bytes] = {}
        specials, greedy, self._markers = self._listed()
        template = Template(
            header,
            {i: text for text, i in specials.items()},
            adds_bos=bool(self._api.llama_vocab_get_add_bos(self._model.vocabulary)),
            adds_eos=bool(self._api.llama_vocab_get_add_eos(self._model.vocabulary)),
        )
        super().__init__(
            template,
            name=name,
            kind=header.architecture,
            before=template.before,
            after=template.after,
            specials=specials,
            greedy=greedy,
        )

    def encode(self, text: str) -> list[int]:
        """Ids of plain text."""
        return self._read(self._prepared(sound(text)))

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and character spans of plain text; the bytes of one character share its span."""
        text = sound(text)
        composed = self._prepared(text)
        ids = self._read(composed)
        spans = self._spans(ids, composed)
        if len(composed) != len(text):
            own = _origins(text)
            spans = [(own[a][0], own[b - 1][1] if b > a else own[a][0]) for a, b in spans]
        return ids, spans

    def decode(self, ids: Sequence[int], *, specials: bool = True) -> str:
        """Ids as text, special tokens shown unless `specials` is off."""
        hidden = set() if specials else set(self._specials.values())
        text = b"".join(self._piece(i) for i in ids if i not in hidden).decode("utf-8", "replace")
        return text[1:] if self._spaced and text.startswith(" ") else text

    def ends(self, token: int) -> bool:
        """Whether the library takes a token for the end of what is written."""
        return bool(self._api.llama_vocab_is_eog(self._model.vocabulary, token))

    def _listed(self) -> tuple[dict[str, int], set[int], "re.Pattern[str] | None"]:
        """Special tokens by name, those that take the white space after them, and a pattern of the risky ones."""
        attribute, vocabulary = self._api.llama_vocab_get_attr, self._model.vocabulary
        specials: dict[str, int] = {}
        greedy, markers = set(), []
        for token in range(self._model.words):
            bits = attribute(vocabulary, token)
            if not bits & (UNKNOWN_BIT | CONTROL_BIT | USER_BIT):
                continue
            text = self._api.llama_vocab_get_text(vocabulary, token).decode("utf-8", "replace")
            if bits & CONTROL_BIT or (BRACKETED.fullmatch(text) and not text.isspace()):
                specials[text] = token
                if bits & USER_BIT and not bits & CONTROL_BIT:
                    markers.append(text)
            if bits & RSTRIP_BIT:
                greedy.add(token)
        longest_first = sorted(markers, key=len, reverse=True)
        return specials, greedy, re.compile("|".join(map(re.escape, longest_first))) if markers else None

    @cached_property
    def _plain(self) -> LlamaModel:
        """The vocabulary again, with control tokens in the place of user-defined markers."""
        array: Array = self._header.get("tokenizer.ggml.token_type")
        names = read_array(self._header, "tokenizer.ggml.tokens")
        kinds = read_array(self._header, "tokenizer.ggml.token_type")
        changed = [
            CONTROL if kind == USER_DEFINED and BRACKETED.fullmatch(name) else kind
            for name, kind in zip(names, kinds, strict=True)
        ]
        with self._header.path.open("rb") as file:
            head = bytearray(file.read(self._header.end_of_values))
        head[8:16] = struct.pack("<Q", 0)  # no tensors
        head[array.offset : array.offset + 4 * array.count] = np.asarray(changed, "<i4").tobytes()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / self._header.path.name
            copy.write_bytes(head + bytes(-len(head) % 32))
            return LlamaModel(copy, vocabulary_only=True)

    def _read(self, text: str) -> list[int]:
        vocabulary = self._model.vocabulary
        if self._markers and self._markers.search(text):
            vocabulary = self._plain.vocabulary
        if self._one_space and text.startswith(" "):
            text = text[1:]  # the library puts it back
            if not text:
                return [self._space]
        data = text.encode("utf-8")
        room = len(data) + 8
        ids = np.empty(room, np.int32)
        pointer = ids.ctypes.data_as(self._api.llama_token_p)
        count = self._api.llama_tokenize(vocabulary, data, len(data), pointer, room, False, False)
        if count < 0:
            raise RuntimeError(f"{self._name} makes more tokens than bytes of {text[:40]!r}")
        return [int(i) for i in ids[:count]]

    @cached_property
    def _space(self) -> int:
        return read_array(self._header, "tokenizer.ggml.tokens").index("▁")

    def _piece(self, token: int) -> bytes:
        """The bytes a token stands for, special tokens by name."""
        known = self._pieces.get(token)
        if known is None:
            text = ctypes.create_string_buffer(1024)  # of its own: threads come here at once
            size = self._api.llama_token_to_piece(self._model.vocabulary, token, text, 1024, 0, True)
            known = self._pieces[token] = text.raw[: max(size, 0)]
        return known

    def _spans(self, ids: Sequence[int], text: str) -> list[tuple[int, int]]:
        """Character spans by counting bytes; the space that SentencePiece puts first is nowhere in the text."""
        data = text.encode("utf-8")
        number = np.cumsum([(byte & 0xC0) != 0x80 for byte in data]) - 1  # the character each byte belongs to
        added = self._spaced and not (self._one_space and text.startswith(" "))
        begin, spans = -1 if added else 0, []
        for token in ids:
            end = begin + len(self._piece(token))
            first, last = max(begin, 0), max(end, 1)
            spans.append((int(number[min(first, len(data) - 1)]), int(number[min(last, len(data)) - 1]) + 1))
            begin = end
        return spans

    def _prepared(self, text: str) -> str:
        """The text as the vocabulary has it: composed, or with plain spaces for SentencePiece's own mark."""
        if self._scored:
            return text.replace("▁", " ")
        if not self._composes or text.isascii():
            return text
        return unicodedata.normalize("NFC", text)


def _origins(text: str) -> list[tuple[int, int]]:
    """For each character of the composed text, the span of the characters it was composed of."""
    pieces = PreTokenizedString(text)
    pieces.normalize(lambda part: part.nfc())
    pieces.split(lambda _, part: part.split(Regex(r"[\s\S]"), "isolated"))
    return [span for _, span, _ in pieces.get_splits(offset_referential="original", offset_type="char")]


def knows(header: Header) -> str:
    """Why the vocabulary of a file cannot be used, or ""."""
    kind: Any = header.get("tokenizer.ggml.model")
    if kind not in KINDS:
        return f"its tokenizer is of the kind {kind!r}; those of decoders are {' and '.join(KINDS)}"
    array = header.get("tokenizer.ggml.tokens")
    count = array.count if isinstance(array, Array) else 0
    if not count:
        return "it has no vocabulary"
    for key in ("bos", "eos", "unknown", "padding", "separator", "mask", "eot", "eom"):
        token = header.get(f"tokenizer.ggml.{key}_token_id")
        if token is not None and not 0 <= int(token) < count:
            return f"its {key} token is {token}, of {count:,} tokens"
    for key in ("scores", "token_type"):
        array = header.get(f"tokenizer.ggml.{key}")
        if isinstance(array, Array) and array.count != count:
            return f"it has {count:,} tokens and {array.count:,} {key}"
    return ""
