"""Engine and Writer on llama.cpp: a GGUF file's weights, loaded once, under a context for each job.

Causal embedding, bidirectional embedding and writing have their own contexts, made when they are first wanted. It knows
no method: prompts come with ids and weights, and only pooled vectors leave.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from embedder.batching import filled
from embedder.engine import Message
from embedder.gguf_header import Header
from embedder.gguf_source import GgufSource, find
from embedder.llama_context import LlamaContext
from embedder.llama_library import LlamaModel, library
from embedder.llama_tokens import LlamaTokens
from embedder.prompt import Prompt
from embedder.reads import Reads

LONGEST = 8192  # tokens; longer contexts are cut to it, for memory's sake
BATCH = 256  # tokens of one call: attention runs over all of them, so more would not be faster
SEQUENCES = 32  # texts of one call
# attention biases by distance, which are distances only while nothing later is seen
SKEWED = ("bloom", "mpt", "refact", "jais")


class LlamaCppEngine(Reads):
    """A GGUF file as embedder and writer; `threads` 0 takes OMP_NUM_THREADS, else every processor it may use."""

    writes = True
    _tokens: LlamaTokens

    def __init__(self, source: GgufSource, *, name: str, gpu: bool = False, threads: int = 0) -> None:
        self.name, self.revision = name, source.revision
        self.device = "gpu" if gpu else "cpu"
        self.threads = threads or _threads()
        self._header: Header = source.header
        self._model = LlamaModel(source.path, gpu=gpu)
        try:
            self._check()
            for adapter in source.adapters:
                self._model.adapt(adapter)
            self._tokens = LlamaTokens(self._header, name=self.name)
        except BaseException:
            self._model.close()
            raise
        api = library()
        self.dim = int(api.llama_model_n_embd_out(self._model.pointer))
        self.context = min(int(api.llama_model_n_ctx_train(self._model.pointer)), LONGEST)
        self.bytes = int(api.llama_model_size(self._model.pointer))  # memory of the weights, which all contexts share
        self._window = int(api.llama_model_n_swa(self._model.pointer))
        self.dtype = source.number_format
        self._embedding: dict[bool, LlamaContext] = {}  # by whether attention is causal
        self._writers: list[LlamaContext] = []  # those that nobody is writing with
        self._lock = threading.Lock()

    @property
    def chats(self) -> bool:
        """Whether the model has a chat template, so that it can be asked in turns."""
        return self._tokens.chats

    def vectors(self, prompts: Sequence[Prompt], *, causal: bool) -> np.ndarray:
        """Weighted sums of the last hidden states: (n, dim) float32, unit rows, in the order of the prompts."""
        rows = np.zeros((len(prompts), self.dim), np.float32)
        lengths = [len(prompt) for prompt in prompts]
        longest = max(lengths, default=0)
        self._fits(longest, causal)
        with self._lock:
            for group in filled(lengths, BATCH, SEQUENCES) if prompts else ():
                rows[group] = self._pooled([prompts[i] for i in group], causal, longest)
        lengths_of_rows = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(lengths_of_rows, 1e-12))

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int = 512) -> Iterator[str]:
        """Text as it is written, greedily, under the chat template of the file."""
        return self.continue_ids(self._tokens.conversation(messages), stop=stop, max_tokens=max_tokens)

    def complete(self, text: str, *, stop: threading.Event, max_tokens: int = 512) -> Iterator[str]:
        """Text that continues a plain text, for a model without a chat template."""
        return self.continue_ids([*self.special("bos"), *self.encode(text)], stop=stop, max_tokens=max_tokens)

    def continue_ids(self, ids: Sequence[int], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """Text that continues token ids; `stop` also ends the reading of a long prompt."""
        if len(ids) >= self.context:
            raise ValueError(f"{len(ids)} tokens leave no room to write in a context of {self.context}; send less text")
        ends = self._tokens.stops()
        if not ends:
            raise ValueError(f"{self.name} names no end token, so its writing would never end: convert the file again")
        room = min(max_tokens, self.context - len(ids))
        return self._tokens.pieces(self._greedy(ids, ends, stop, room))

    def score(self, context: str, text: str) -> float:
        """Mean log probability per token of `text` after `context`, which is shortened to fit."""
        wanted, begin = self.encode(text), self.special("bos")
        room = self.context - len(begin) - len(wanted)
        if not wanted or room < 1:
            raise ValueError(f"a text of {len(wanted)} tokens has no score in a context of {self.context}")
        before = [*begin, *self.encode(self.shorten(context, room))]
        if not before:
            before, wanted = wanted[:1], wanted[1:]  # the first token of all has no probability
        writer = self._writer(len(before) + len(wanted))
        try:
            return _mean_log_probability(writer, before, wanted)
        finally:
            self._leave(writer)

    def close(self) -> None:
        """Give memory back; afterwards only texts and tokens can be turned into each other."""
        with self._lock:
            self._embedding, self._writers = {}, []
            self._model.close()

    def _check(self) -> None:
        """ValueError for what this engine would compute wrongly or not at all."""
        api, model, kind = library(), self._model.pointer, self._header.architecture
        if api.llama_model_has_encoder(model) or not api.llama_model_has_decoder(model):
            raise ValueError(f"{self.name} is an encoder ({kind}); a decoder is wanted in a GGUF file")
        if api.llama_model_is_recurrent(model) or api.llama_model_is_hybrid(model):
            raise ValueError(f"{self.name} is recurrent ({kind}); only models with attention in every layer are opened")

    def _fits(self, longest: int, causal: bool) -> None:
        if longest > self.context:
            raise ValueError(f"a prompt of {longest} tokens does not fit the context of {self.context} of {self.name}")
        if causal:
            return
        if self._header.architecture in SKEWED:
            raise ValueError(
                f"{self.name} biases attention by key position (ALiBi), which is a distance only under causal"
                " attention; pick a causal method, for example echo"
            )
        if 0 < self._window < longest:
            raise ValueError(
                f"{self.name} sees {self._window} tokens at a time: {longest} in both directions are too many"
            )

    def _pooled(self, batch: list[Prompt], causal: bool, longest: int) -> np.ndarray:
        """Weighted sums of one call's texts, (n, dim); only tokens that weigh something are asked for."""
        shares = [np.asarray(prompt.weights, np.float32) for prompt in batch]
        wanted = [np.flatnonzero(share) for share in shares]
        states = self._context(causal, longest).states([prompt.ids for prompt in batch], wanted)
        return np.stack([share[at] @ rows for share, at, rows in zip(shares, wanted, states, strict=True)])

    def _context(self, causal: bool, longest: int) -> LlamaContext:
        """The context for embedding with that attention, made again where a longer text needs more room."""
        known = self._embedding.get(causal)
        if known is not None and longest <= known.room:
            return known
        if known is not None:
            known.close()
        del known
        self._embedding.pop(causal, None)
        made = LlamaContext(
            self._model,
            tokens=max(longest, BATCH),
            batch=BATCH,
            threads=self.threads,
            causal=causal,
            states=True,
            sequences=SEQUENCES,
        )
        if self._model.adapters:
            made.adapt()
        self._embedding[causal] = made
        return made

    def _writer(self, tokens: int) -> LlamaContext:
        """A context to write with, large enough; adapters are off in it."""
        with self._lock:
            at = next((i for i, context in enumerate(self._writers) if context.room >= tokens), None)
            if at is not None:
                return self._writers.pop(at)
            while self._writers:
                self._writers.pop().close()
        return LlamaContext(self._model, tokens=tokens, batch=BATCH, threads=self.threads)

    def _leave(self, writer: LlamaContext) -> None:
        writer.stop = None
        if writer.pointer is None:  # closed meanwhile
            return
        writer.clear()
        with self._lock:
            self._writers.append(writer)

    def _greedy(self, ids: Sequence[int], ends: set[int], stop: threading.Event, room: int) -> Iterator[int]:
        if room < 1 or stop.is_set():
            return
        writer = self._writer(len(ids) + room)
        writer.stop = stop
        try:
            fed, place = list(ids), 0
            for _ in range(room):
                logits = writer.logits(fed, place)
                if not len(logits) or stop.is_set():
                    return
                token = int(logits[0].argmax())
                if token in ends or self._tokens.ends(token):
                    return
                yield token
                place += len(fed)
                fed = [token]
        finally:
            self._leave(writer)


def _mean_log_probability(writer: LlamaContext, context: Sequence[int], text: Sequence[int]) -> float:
    """Of the ids of `text` after those of `context`; some logits at a time, for a vocabulary is wide."""
    if not text:
        raise ValueError("a text of 1 token has no score without a context")
    total, step = 0.0, 32
    writer.logits(context[:-1], 0) if len(context) > 1 else None
    fed = [context[-1], *text]
    for begin in range(0, len(text), step):
        part = fed[begin : begin + step][: len(text) - begin]
        logits = writer.logits(part, len(context) - 1 + begin, len(part)).astype(np.float64)
        peak = logits.max(axis=1)
        norm = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
        following = np.asarray(text[begin : begin + step])
        total += float((logits[np.arange(len(following)), following] - norm).sum())
    return total / len(text)


def _threads() -> int:
    """Threads for one job: what the usual variable says, else every processor this process may run on."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if given.isdigit() and int(given):
        return int(given)
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def open_gguf(path: Path, *, name: str = "", device: str = "auto", dtype: str = "auto") -> LlamaCppEngine:
    """The engine of a GGUF file; ValueError says why it cannot be opened, before the library sees it."""
    if dtype != "auto":
        raise ValueError(f"{path.name} has its own number format; leave out dtype {dtype}")
    source = find(path)
    able = bool(library().llama_supports_gpu_offload())
    if device not in ("auto", "cpu") and not able:
        raise ValueError(f"llama-cpp-python was built without {device}; use device cpu, or build it for the device")
    return LlamaCppEngine(source, name=name or path.stem, gpu=able and device != "cpu")
