"""The seam between methods and models: an Engine makes vectors of prompts, a Writer streams text.

Nothing here knows pooling, templates or a particular library; `open_engine` picks one by what it is given.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from embedder.llama_cpp_engine import LlamaCppEngine
    from embedder.prompt import Prompt
    from embedder.torch_engine import TorchEngine

POCKET = Path(__file__).parent / "pocket"
INSTALL = "pip install 'twofold[llama]'"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Engine(Protocol):
    """A loaded decoder as an embedder: ids and weights in, unit vectors out. `context` is in tokens."""

    name: str
    revision: str
    dim: int
    context: int
    dtype: str
    device: str

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; special tokens written inside it stay text."""
        ...

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of `encode(text)`, in order."""
        ...

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """`encode` and `offsets` in one pass."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Ids as a person reads them, special tokens shown."""
        ...

    def special(self, role: str) -> list[int]:
        """Ids of a role such as "bos", "eos", "user", "end_user"; ValueError if the model has none."""
        ...

    def wrapper(self, role: str) -> tuple[int | str, ...]:
        """A role as special ids and plain strings; the strings are tokenised with the text they touch."""
        ...

    def shorten(self, text: str, tokens: int) -> str:
        """A longest prefix of `text` of at most `tokens` tokens that splits no character."""
        ...

    def vectors(self, prompts: Sequence["Prompt"], *, causal: bool) -> np.ndarray:
        """Weighted sums of the last hidden states: (n, dim) float32, unit rows, in the order of the prompts."""
        ...

    def close(self) -> None:
        """Give memory back; the engine cannot be used afterwards."""
        ...


@runtime_checkable
class Writer(Protocol):
    """A loaded decoder as a writer."""

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """Pieces of text as they are written; setting `stop` or closing the iterator ends it."""
        ...

    def score(self, context: str, text: str) -> float:
        """Mean log probability per token of `text` after `context`."""
        ...


def open_engine(
    model: str = "pocket", *, device: str = "auto", dtype: str = "auto", revision: str | None = None
) -> "TorchEngine | LlamaCppEngine":
    """The engine of a model: "pocket" (bundled), a folder, a hub id, or a GGUF file; a decoder's is a Writer too."""
    if model.lower().endswith(".gguf"):
        from embedder.llama_cpp_engine import open_gguf

        return open_gguf(Path(model), device=device, dtype=dtype)
    from embedder.loading import load  # torch takes seconds to import

    if model == "pocket":
        return load(str(_pocket()), name="pocket", device=device, dtype=dtype)
    return load(model, device=device, dtype=dtype, revision=revision)


def check_model(model: str) -> None:
    """ValueError for a model that can be seen not to open before anything is loaded, which is told of GGUF files."""
    if model.lower().endswith(".gguf"):
        from embedder.gguf_source import find
        from embedder.llama_library import library

        find(Path(model))
        library()


def _pocket() -> Path:
    if not (POCKET / "config.json").exists():
        raise ValueError(f"the bundled model is missing at {POCKET}; reinstall Twofold or name a model")
    return POCKET
