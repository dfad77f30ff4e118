"""Which files a GGUF path stands for, and whether llama.cpp may be given them. Loads nothing.

An adapter (LoRA) in GGUF stands for itself and its base, which lies beside it in the same folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from embedder import weights
from embedder.gguf_header import Array, Header, read_header
from embedder.llama_tokens import knows

ENCODERS = ("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3",
            "eurobert", "t5", "t5encoder", "clip", "gemma-embedding", "llama-embed", "wavtokenizer-dec")  # fmt: skip
NEEDED = ("block_count", "context_length", "embedding_length", "attention.head_count")
FORMATS = {0: "float32", 1: "f16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_k", 11: "q3_k_s",
           12: "q3_k_m", 13: "q3_k_l", 14: "q4_k_s", 15: "q4_k_m", 16: "q5_k_s", 17: "q5_k_m", 18: "q6_k",
           32: "bf16"}  # fmt: skip
MOST = 512  # layers, and experts, that the library has room for
ROTATED = ("llama", "qwen2", "qwen3")  # here the library insists that a whole head is rotated


@dataclass(frozen=True, slots=True)
class GgufSource:
    """A file with weights, its header, the adapters to put beside them, and the version of all."""

    path: Path
    header: Header
    adapters: tuple[Path, ...]
    revision: str

    @property
    def number_format(self) -> str:
        """The number format of most weights, such as q8_0."""
        kind = self.header.get("general.file_type")
        return FORMATS.get(kind, f"ggml-{kind}") if kind is not None else "gguf"


def find(path: Path) -> GgufSource:
    """The files of a GGUF path, checked; ValueError says what is wrong with them."""
    path = path.expanduser()
    header = read_header(path)
    if not _is_adapter(header):
        _check(header)
        return GgufSource(path, header, (), weights.file_revision(path))
    base = _base_of(header)
    _check(base)
    revision = f"{weights.file_revision(base.path)}+{weights.file_revision(path)}"
    return GgufSource(base.path, base, (path,), revision)


def _is_adapter(header: Header) -> bool:
    return bool(header.get("general.type") == "adapter")


def _base_of(adapter: Header) -> Header:
    """The model an adapter was made for: the one its metadata names, else the only one of that kind beside it."""
    if adapter.get("adapter.type") != "lora":
        raise ValueError(f"{adapter.path.name} is an adapter of the type {adapter.get('adapter.type')!r}; lora is read")
    beside = []
    for file in sorted(adapter.path.parent.glob("*.gguf")):
        try:
            header = read_header(file)
        except ValueError:
            continue
        if not _is_adapter(header) and header.architecture == adapter.architecture:
            beside.append(header)
    named = _plain(adapter.get("general.base_model.0.name", ""))
    fitting = [header for header in beside if named and _plain(header.path.stem).startswith(named)]
    chosen = fitting if len(fitting) == 1 else beside
    if len(chosen) == 1:
        return chosen[0]
    found = f"{len(chosen)} are there" if chosen else "none is there"
    raise ValueError(
        f"{adapter.path.name} is an adapter: its base, one {adapter.architecture or 'model'} as GGUF, has to lie beside"
        f" it in {adapter.path.parent}, and {found}"
    )


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _check(header: Header) -> None:
    """ValueError for a file that llama.cpp would refuse without a reason, or that would end the process."""
    name, kind = header.path.name, header.architecture
    if not kind:
        raise ValueError(f"{name} names no architecture (general.architecture); convert the model again")
    if kind in ENCODERS:
        raise ValueError(f"{name} is no decoder ({kind}); give an encoder as its folder with safetensors")
    reason = knows(header)
    if reason:
        raise ValueError(f"{name} cannot be used: {reason}")
    if not header.tensors:
        raise ValueError(f"{name} has a vocabulary and no weights")
    missing = [key for key in NEEDED if not _positive(header.get(f"{{arch}}.{key}"))]
    if missing:
        raise ValueError(f"{name} does not say its {missing[0]} ({kind}.{missing[0]}); convert the model again")
    reason = _misfit(header)
    if reason:
        raise ValueError(f"{name} contradicts itself: {reason}")


def _positive(value: object) -> bool:
    return isinstance(value, Array) or (isinstance(value, int) and value > 0)


def _misfit(header: Header) -> str:
    """Sizes that do not go together, which the library would meet with an assertion."""
    width, heads = header.get("{arch}.embedding_length"), header.get("{arch}.attention.head_count")
    words = header.get("tokenizer.ggml.tokens").count
    shape = header.tensors.get("token_embd.weight")
    if shape is not None and tuple(shape) != (width, words):
        return f"its embeddings are {'x'.join(map(str, shape))}, for {words:,} tokens of width {width}"
    reason = _layers(header)
    if reason or not isinstance(heads, int) or header.architecture not in ROTATED:
        return reason
    if not header.get("{arch}.attention.key_length") and width % heads:
        return f"a width of {width} in {heads} heads"
    size = header.get("{arch}.attention.key_length", width // heads)
    rotated = header.get("{arch}.rope.dimension_count", size)
    if rotated != size:
        return f"heads of {size} with {rotated} of them rotated"
    grouped = header.get("{arch}.attention.head_count_kv", heads)
    if isinstance(grouped, int) and (grouped < 1 or heads % grouped):
        return f"{heads} heads over {grouped}"
    return ""


def _layers(header: Header) -> str:
    """More layers than there are, or more of anything than the library has room for."""
    said, experts = header.get("{arch}.block_count"), header.get("{arch}.expert_count", 0)
    held = len({name.split(".")[1] for name in header.tensors if name.startswith("blk.")})
    whole = header.get("split.count", 1) < 2
    if max(said, experts) > MOST or (whole and said > held):
        return f"it says {said} layers of {experts or 'no'} experts and holds {held} layers"
    return ""
