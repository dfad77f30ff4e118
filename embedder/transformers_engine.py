"""Engine and Writer on transformers: one set of weights, causal as loaded, bidirectional through a twin.

It knows no method: prompts come with ids and weights, and only pooled vectors leave. Prompts are padded on the right,
so under causal attention no mask is needed and under bidirectional attention the mask hides the padding.
"""

import gc
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from embedder.attention import refusal, twin
from embedder.batching import batches
from embedder.engine import Message
from embedder.prompt import Prompt
from embedder.tokens import Tokens
from embedder.writing import score, stream

BUDGET = {"cpu": 2048, "cuda": 16384, "mps": 8192}  # padded tokens a batch


class TransformersEngine:
    """A loaded decoder. `model` is a causal language model of transformers, in evaluation mode on its device."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, revision: str, context: int, threads: int = 0) -> None:
        self.name, self.revision, self.context = name, revision, context
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.device = str(model.device)
        self._model = model
        size = model.get_input_embeddings().weight.shape[0]
        self._tokens = Tokens(tokenizer, name=name, kind=model.config.model_type, size=size)
        self._twin: Any = None
        self._lock = threading.Lock()
        self._workers = _workers(threads or torch.get_num_threads()) if model.device.type == "cpu" else None
        self._threads = (threads or torch.get_num_threads()) if self._workers else 1
        self.dim = self._states(torch.zeros((1, 1), dtype=torch.long), None, causal=True).shape[-1]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; special tokens written inside it stay text."""
        return self._tokens.encode(text)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of `encode(text)`, in order."""
        return self._tokens.tokens(text)[1]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and spans in one pass."""
        return self._tokens.tokens(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids as text, special tokens shown."""
        return self._tokens.decode(ids)

    def special(self, role: str) -> list[int]:
        """Ids of a role; ValueError if the model has none."""
        return self._tokens.special(role)

    def wrapper(self, role: str) -> tuple[int | str, ...]:
        """A role as special ids and plain strings."""
        return self._tokens.wrapper(role)

    def shorten(self, text: str, tokens: int) -> str:
        """A longest prefix of at most `tokens` tokens that splits no character."""
        return self._tokens.shorten(text, tokens)

    @property
    def chats(self) -> bool:
        """Whether the model has a chat template, so that it can be asked in turns."""
        return self._tokens.chats

    @property
    def bytes(self) -> int:
        """Memory of the weights; the twin and the writer share them."""
        return int(sum(weight.numel() * weight.element_size() for weight in self._model.parameters()))

    def vectors(self, prompts: Sequence[Prompt], *, causal: bool) -> np.ndarray:
        """Weighted sums of the last hidden states: (n, dim) float32, unit rows, in the order of the prompts."""
        rows = np.zeros((len(prompts), self.dim), np.float32)
        longest = max((len(prompt) for prompt in prompts), default=0)
        if longest > self.context:
            raise ValueError(f"a prompt of {longest} tokens does not fit the context of {self.context} of {self.name}")
        budget = BUDGET[torch.device(self.device).type]
        groups = batches([len(prompt) for prompt in prompts], budget, parts=self._threads)
        for group, part in zip(groups, self._map(groups, prompts, causal), strict=True):
            rows[group] = part
        return rows

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int = 512) -> Iterator[str]:
        """Text as it is written, greedily, by the causal model under its chat template."""
        return self.continue_ids(self._tokens.conversation(messages), stop=stop, max_tokens=max_tokens)

    def complete(self, text: str, *, stop: threading.Event, max_tokens: int = 512) -> Iterator[str]:
        """Text that continues a plain text, for a model without a chat template."""
        return self.continue_ids([*self.special("bos"), *self.encode(text)], stop=stop, max_tokens=max_tokens)

    def continue_ids(self, ids: Sequence[int], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """Text that continues token ids."""
        if len(ids) >= self.context:
            raise ValueError(f"{len(ids)} tokens leave no room to write in a context of {self.context}; send less text")
        room = min(max_tokens, self.context - len(ids))
        return stream(self._model, self._tokens, ids, stop=stop, max_tokens=room)

    def score(self, context: str, text: str) -> float:
        """Mean log probability per token of `text` after `context`, which is shortened to fit."""
        wanted = self.encode(text)
        begin = self.special("bos")
        room = self.context - len(begin) - len(wanted)
        if not wanted or room < 1:
            raise ValueError(f"a text of {len(wanted)} tokens has no score in a context of {self.context}")
        return score(self._model, [*begin, *self.encode(self.shorten(context, room))], wanted)

    def close(self) -> None:
        """Give memory back; the engine cannot be used afterwards."""
        if self._workers:
            self._workers.shutdown()
        self._model = self._twin = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _map(self, groups: list[list[int]], prompts: Sequence[Prompt], causal: bool) -> Iterator[np.ndarray]:
        chosen = ([prompts[i] for i in group] for group in groups)
        if self._workers is None or len(groups) == 1:
            return (self._pooled(batch, causal) for batch in chosen)
        # a whole batch on one thread beats splitting each matrix product over all of them
        return self._workers.map(lambda batch: self._pooled(batch, causal), chosen)

    def _pooled(self, batch: list[Prompt], causal: bool) -> np.ndarray:
        try:
            return self._forward(batch, causal)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        middle = len(batch) // 2
        return np.concatenate([self._pooled(batch[:middle], causal), self._pooled(batch[middle:], causal)])

    def _forward(self, batch: list[Prompt], causal: bool) -> np.ndarray:
        size = max(len(prompt) for prompt in batch)
        ids = np.zeros((len(batch), size), np.int64)  # (n, t)
        weights = np.zeros((len(batch), size), np.float32)  # (n, t), rows sum to 1
        for row, prompt in enumerate(batch):
            ids[row, : len(prompt)], weights[row, : len(prompt)] = prompt.ids, prompt.weights
        lengths = torch.tensor([len(prompt) for prompt in batch])
        mask = (torch.arange(size)[None] < lengths[:, None]).long()
        with torch.inference_mode():
            states = self._states(torch.from_numpy(ids), mask, causal=causal).float()  # (n, t, dim)
            summed = torch.bmm(torch.from_numpy(weights).to(states.device)[:, None], states)[:, 0]
            return np.asarray(torch.nn.functional.normalize(summed, dim=1).cpu().numpy())

    def _states(self, ids: torch.Tensor, mask: torch.Tensor | None, *, causal: bool) -> torch.Tensor:
        """Last hidden states after the final norm, (n, t, dim); no logits are computed."""
        with torch.inference_mode():
            if causal:
                states = self._model.base_model(input_ids=ids.to(self.device), use_cache=False)
            else:
                visible = None if mask is None else mask.to(self.device)
                states = self._encoder()(input_ids=ids.to(self.device), attention_mask=visible, use_cache=False)
        return torch.as_tensor(states.last_hidden_state)

    def _encoder(self) -> Any:
        with self._lock:
            if self._twin is None:
                reason = refusal(self._model.config)
                if reason:
                    raise ValueError(f"{self.name}: {reason}")
                self._twin = twin(self._model.base_model)
            return self._twin


def _workers(threads: int) -> ThreadPoolExecutor | None:
    if threads < 2:
        return None
    before = torch.get_num_threads()
    workers = ThreadPoolExecutor(threads, thread_name_prefix="embed", initializer=_alone)
    barrier = threading.Barrier(threads)
    list(workers.map(lambda _: barrier.wait(), range(threads)))  # start them all, so that each has been set up
    torch.set_num_threads(before)
    return workers


def _alone() -> None:
    """One thread for this worker's operations; asking first makes the library set itself up for this thread."""
    torch.get_num_threads()
    torch.set_num_threads(1)
