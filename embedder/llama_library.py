"""llama.cpp through llama-cpp-python: the library itself, what it complains of, and a loaded model.

It knows no method, no text and no file format.
"""

import atexit
import ctypes
import threading
import weakref
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

from embedder.engine import INSTALL

ERROR = 4  # the level of an error in the library's log
_said: deque[str] = deque(maxlen=20)
_kept: list[Any] = []


@cache
def library() -> Any:
    """The bindings; ValueError names the command that installs them."""
    try:
        from llama_cpp import llama_cpp
    except ImportError as error:
        raise ValueError(f"GGUF files need the extra `llama`: {INSTALL}") from error
    except (OSError, RuntimeError) as error:
        raise ValueError(f"llama-cpp-python cannot be used here ({error}); build it again: {INSTALL}") from error
    hear = llama_cpp.llama_log_callback(_hear)
    _kept.append(hear)  # the library calls it as long as the process lives
    llama_cpp.llama_log_set(hear, ctypes.c_void_p(None))
    atexit.register(llama_cpp.llama_log_set, llama_cpp.llama_log_callback(), ctypes.c_void_p(None))
    llama_cpp.llama_backend_init()
    core = llama_cpp._lib
    core.ggml_get_name.restype, core.ggml_get_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    core.ggml_nbytes.restype, core.ggml_nbytes.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    core.ggml_backend_tensor_get.restype = None
    core.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    return llama_cpp


def _hear(level: int, text: bytes, _: Any) -> None:
    if level == ERROR:
        _said.append(text.decode("utf-8", "replace").strip())


def last_words() -> str:
    """What the library last complained of, in one line."""
    return " ".join(" / ".join(list(_said)[-3:]).split())[:400] or "no reason given"


def forget() -> None:
    """Before a call, so that its complaints are told apart from older ones."""
    _said.clear()


class LlamaModel:
    """A loaded model, or with `vocabulary_only` its tokenizer alone. Contexts over it share its weights."""

    def __init__(self, path: Path, *, gpu: bool = False, vocabulary_only: bool = False) -> None:
        api = library()
        params = api.llama_model_default_params()
        params.vocab_only, params.check_tensors = vocabulary_only, not vocabulary_only
        params.n_gpu_layers = -1 if gpu else 0
        _said.clear()
        self.pointer: Any = api.llama_model_load_from_file(str(path).encode(), params)
        if not self.pointer:
            raise ValueError(f"llama.cpp cannot open {path.name}: {last_words()}")
        self._free = weakref.finalize(self, api.llama_model_free, self.pointer)
        self._free.atexit = False  # a thread may still be at work when the process ends
        self.vocabulary = api.llama_model_get_vocab(self.pointer)
        self.words: int = api.llama_vocab_n_tokens(self.vocabulary)
        self.adapters: list[Any] = []
        self.contexts: list[Any] = []  # which close with it
        self.lock = threading.RLock()  # one call at a time, and none while the weights go

    def adapt(self, path: Path) -> None:
        """Load a LoRA; contexts made with `adapted` use it, the others do not."""
        _said.clear()
        adapter = library().llama_adapter_lora_init(self.pointer, str(path).encode())
        if not adapter:
            raise ValueError(f"the adapter {path.name} does not fit this model: {last_words()}")
        self.adapters.append(adapter)

    def close(self) -> None:
        """Give the weights and all contexts over them back."""
        with self.lock:
            for context in tuple(self.contexts):
                context.close()
            self._free()  # its adapters go with it
            self.pointer, self.vocabulary, self.adapters = None, None, []

    def check_open(self) -> None:
        """RuntimeError if the weights are gone: the library would end the process."""
        if not self.pointer:
            raise RuntimeError("the model was closed meanwhile: ask again")
