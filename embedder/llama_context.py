"""A context of llama.cpp over a loaded model: token states or logits for ids. It knows no method and no text.

Whatever would end the process inside the library (an assertion there is no exception here) is refused before the call.
"""

import ctypes
import mmap
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from embedder.llama_library import LlamaModel, forget, last_words, library

FINAL = b"result_norm"  # the states after the final norm, by their name in every decoder's graph
BEFORE_FINAL = (b"norm", b"norm_w")  # what comes right before them: each is run as a step of its own
ABORTED = 2
F32 = 0


class LlamaContext:
    """A key-value cache and its buffers over a model. Not for two threads at once.

    `tokens`: how many it holds, and without `causal` also how many one call may have. `states` makes it give token
    states instead of logits. `sequences`: how many texts one call may have.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        tokens: int,
        batch: int,
        threads: int,
        causal: bool = True,
        states: bool = False,
        sequences: int = 1,
    ) -> None:
        api = library()
        model.check_open()
        self.model, self.causal, self.room = model, causal, -(-tokens // 256) * 256
        self.batch = min(batch, self.room) if causal else self.room
        self._api, self._core, self._width = api, api._lib, api.llama_model_n_embd_out(model.pointer)
        self._reserved = sequences  # rows of logits that the library has memory for
        self._final: int | None = None  # where the library keeps the states of the call under way
        self._alone = self._early = self._last = False
        self.stop: threading.Event | None = None
        self._callbacks = (api.ggml_backend_sched_eval_callback(self._seen), api.ggml_abort_callback(self._ended))
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = self.room, self.batch, self.batch, sequences
        params.n_threads = params.n_threads_batch = threads
        params.pooling_type, params.attention_type = 0, 0 if causal else 1
        params.kv_unified, params.no_perf, params.embeddings = True, True, False
        params.abort_callback = self._callbacks[1]
        if states:
            params.cb_eval = self._callbacks[0]
            params.type_k = params.type_v = F32
        forget()
        self.pointer: Any = api.llama_init_from_model(model.pointer, params)
        if not self.pointer:
            raise ValueError(f"llama.cpp makes no context of {self.room} tokens: {last_words()}")
        self._memory = api.llama_get_memory(self.pointer)
        model.contexts.append(self)

    def adapt(self) -> None:
        """Switch on the adapters of the model, for this context alone."""
        count = len(self.model.adapters)
        adapters = (self._api.llama_adapter_lora_p_ctypes * count)(*self.model.adapters)
        self._api.llama_set_adapters_lora(self.pointer, adapters, count, (ctypes.c_float * count)(*[1.0] * count))

    def states(self, texts: Sequence[Sequence[int]], wanted: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Last hidden states after the final norm of the `wanted` positions of each text: (positions, dim) each.

        The texts together may have `batch` tokens; a single one may have more where attention is causal.
        """
        with self.model.lock:
            try:
                rows = self._rows(texts, wanted)
            finally:
                self.clear()
        return np.split(rows, np.cumsum([len(at) for at in wanted])[:-1])

    def _rows(self, texts: Sequence[Sequence[int]], wanted: Sequence[np.ndarray]) -> np.ndarray:
        if len(texts) == 1 and self.causal and len(texts[0]) > self.batch:
            return self._long(np.asarray(texts[0], np.int32), wanted[0])
        ids = np.concatenate([np.asarray(text, np.int32) for text in texts])
        places = np.concatenate([np.arange(len(text), dtype=np.int32) for text in texts])
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in texts])
        asked = [np.isin(np.arange(len(text)), at) for text, at in zip(texts, wanted, strict=True)]
        return self._states(ids, places, owners, np.concatenate(asked).astype(np.int8), last=True)

    def _long(self, ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """One text in several calls, each seeing what came before; what follows the last wanted token is left out."""
        ids = ids[: int(wanted.max()) + 1]
        shown = np.isin(np.arange(len(ids)), wanted).astype(np.int8)
        rows = []
        for begin in range(0, len(ids), self.batch):
            part = slice(begin, begin + self.batch)
            places = np.arange(begin, begin + len(ids[part]), dtype=np.int32)
            end = begin + self.batch >= len(ids)
            rows.append(self._states(ids[part], places, np.zeros_like(places), shown[part], last=end))
        return np.concatenate(rows)

    def _states(
        self, ids: np.ndarray, places: np.ndarray, owners: np.ndarray, shown: np.ndarray, *, last: bool
    ) -> np.ndarray:
        count = int(shown.sum())
        self._final, self._alone, self._early, self._last = None, False, False, last
        if not count:
            self._decode(ids, places, owners, shown)
            return np.zeros((0, self._width), np.float32)
        code = self._decode(ids, places, owners, shown, allowed=(0, ABORTED))
        if self._final is None or self._core.ggml_nbytes(self._final) != 4 * count * self._width:
            raise ValueError("llama.cpp does not show the last hidden states of this architecture")
        rows = np.empty((count, self._width), np.float32)
        self._core.ggml_backend_tensor_get(self._final, rows.ctypes.data, 0, rows.nbytes)
        if code == ABORTED:
            self._drop_logits(count)
        return rows

    def logits(self, ids: Sequence[int], begin: int, count: int = 1) -> np.ndarray:
        """Logits after each of the last `count` ids, (count, words), the first id standing at position `begin`."""
        with self.model.lock:
            for first in range(0, len(ids), self.batch):
                part = np.asarray(ids[first : first + self.batch], np.int32)
                places = np.arange(begin + first, begin + first + len(part), dtype=np.int32)
                shown = (np.arange(first, first + len(part)) >= len(ids) - count).astype(np.int8)
                if self._decode(part, places, np.zeros_like(places), shown, allowed=(0, ABORTED)) == ABORTED:
                    return np.zeros((0, self.model.words), np.float32)
            pointer = self._api.llama_get_logits(self.pointer)
            return np.array(np.ctypeslib.as_array(pointer, (count, self.model.words)))

    def clear(self) -> None:
        """Forget every token."""
        with self.model.lock:
            if self.pointer:
                self._api.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        """Give the buffers back."""
        with self.model.lock:
            if self.pointer:
                self._api.llama_free(self.pointer)
                self.model.contexts.remove(self)
            self.pointer = None

    def _decode(
        self,
        ids: np.ndarray,
        places: np.ndarray,
        owners: np.ndarray,
        shown: np.ndarray,
        allowed: tuple[int, ...] = (0,),
    ) -> int:
        self.model.check_open()
        if not len(ids) or len(ids) > self.batch or int(places.max()) >= self.room:
            raise ValueError(f"{len(ids)} tokens do not fit a call of {self.batch} and a context of {self.room}")
        if int(ids.min()) < 0 or int(ids.max()) >= self.model.words:
            raise ValueError(f"a token id is not among the {self.model.words:,} of this model")
        forget()
        code = int(self._api.llama_decode(self.pointer, self._batch(ids, places, owners, shown)))
        if code not in allowed:
            raise RuntimeError(f"llama.cpp failed with code {code}: {last_words()}")
        return code

    def _batch(self, ids: np.ndarray, places: np.ndarray, owners: np.ndarray, shown: np.ndarray) -> Any:
        """The library's batch over arrays that are kept until the call is over."""
        ones = np.ones(len(ids), np.int32)
        addresses = owners.ctypes.data + 4 * np.arange(len(ids), dtype=np.uint64)
        self._kept = (ids, places, owners, shown, ones, addresses)
        kinds = dict(self._api.llama_batch._fields_)

        def at(array: np.ndarray, field: str) -> Any:
            return ctypes.cast(array.ctypes.data, kinds[field])

        return self._api.llama_batch(
            n_tokens=len(ids),
            token=at(ids, "token"),
            pos=at(places, "pos"),
            n_seq_id=at(ones, "n_seq_id"),
            seq_id=at(addresses, "seq_id"),
            logits=at(shown, "logits"),
        )

    def _seen(self, tensor: int, ask: bool, _: Any) -> bool:
        """Called by the library around every step: stop the calculation once the final states are there.

        What would follow are logits of every token, which cost more than a small model's layers and are not wanted.
        """
        if not ask:
            return self._final is None
        name = self._core.ggml_get_name(tensor)
        if name != FINAL:
            self._alone = name in BEFORE_FINAL
            return self._alone
        self._final = tensor
        self._early = self._alone and self._last  # a step of its own: it may be the last thing that is calculated
        return True

    def _ended(self, _: Any) -> bool:
        return self._early or (self.stop is not None and self.stop.is_set())

    def _drop_logits(self, count: int) -> None:
        """Give back the memory that the library kept ready for logits nobody calculates, and what it had before."""
        grown, self._reserved = count > self._reserved, max(count, self._reserved)
        size = 4 * self._reserved * self.model.words
        if size < 2**20 or not hasattr(mmap, "MADV_DONTNEED"):
            return
        pointer = self._api.llama_get_logits(self.pointer)
        release = getattr(_c_library(), "madvise", None)
        if not pointer or release is None:
            return
        begin = -(-ctypes.addressof(pointer.contents) // mmap.PAGESIZE) * mmap.PAGESIZE
        length = size // mmap.PAGESIZE * mmap.PAGESIZE - mmap.PAGESIZE
        release(ctypes.c_void_p(begin), ctypes.c_size_t(length), mmap.MADV_DONTNEED)
        trim = getattr(_c_library(), "malloc_trim", None)
        if grown and trim is not None:
            trim(0)


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None)
