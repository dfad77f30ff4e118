"""What every engine on torch shares: a tokenizer, batches on workers, pooling in float32 on the device.

It knows no method and no particular model: `_states` is the subclass's. Prompts are padded on the right.
"""

import gc
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from embedder.batching import batches
from embedder.prompt import Prompt
from embedder.reads import Reads
from embedder.tokens import Tokens

BUDGET = {"cpu": 2048, "cuda": 16384, "mps": 8192}  # padded tokens a batch


class TorchEngine(Reads):
    """A loaded model in evaluation mode on its device; `context` is in tokens."""

    _tokens: Tokens

    def __init__(self, model: Any, tokenizer: Any, *, name: str, revision: str, context: int, threads: int = 0) -> None:
        self.name, self.revision, self.context = name, revision, context
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.device = str(model.device)
        self._model = model
        self.set_tokenizer(tokenizer)
        threads = threads or torch.get_num_threads()
        self._workers = _workers(threads) if model.device.type == "cpu" else None
        self._threads = threads if self._workers else 1
        with torch.inference_mode():
            one = self._states(torch.zeros((1, 1), dtype=torch.long), torch.ones((1, 1), dtype=torch.long), causal=True)
            self.dim: int = self._finish(one[:, 0].float()).shape[-1]

    @property
    def model(self) -> Any:
        """The loaded module."""
        return self._model

    def set_tokenizer(self, tokenizer: Any) -> None:
        """Read texts with this tokenizer from here on."""
        self.tokenizer = tokenizer
        size = self._model.get_input_embeddings().weight.shape[0]
        self._tokens = Tokens(tokenizer, name=self.name, kind=self._model.config.model_type, size=size)

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

    def close(self) -> None:
        """Give memory back; the engine cannot be used afterwards."""
        if self._workers:
            self._workers.shutdown()
        self._model = None
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
        pooled = self.pooled(*self.padded(batch), causal=causal)
        return np.asarray(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy())

    def padded(self, batch: Sequence[Prompt]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Ids, weights (rows sum to 1) and mask of prompts, each (n, t), padded on the right."""
        size = max(len(prompt) for prompt in batch)
        ids = np.zeros((len(batch), size), np.int64)
        weights = np.zeros((len(batch), size), np.float32)
        for row, prompt in enumerate(batch):
            ids[row, : len(prompt)], weights[row, : len(prompt)] = prompt.ids, prompt.weights
        lengths = torch.tensor([len(prompt) for prompt in batch])
        mask = (torch.arange(size)[None] < lengths[:, None]).long()
        return torch.from_numpy(ids), torch.from_numpy(weights), mask

    def pooled(self, ids: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor, *, causal: bool) -> torch.Tensor:
        """Weighted sums of the last hidden states with what follows pooling, (n, dim) float32, not yet normalised."""
        with torch.inference_mode():
            states = self._states(ids, mask, causal=causal).float()  # (n, t, dim)
            return self._finish(torch.bmm(weights.to(states.device)[:, None], states)[:, 0])

    def _states(self, ids: torch.Tensor, mask: torch.Tensor, *, causal: bool) -> torch.Tensor:
        """Last hidden states after the final norm, (n, t, dim)."""
        raise NotImplementedError

    def _finish(self, pooled: torch.Tensor) -> torch.Tensor:
        """What a model does to pooled vectors before they are normalised; most do nothing."""
        return pooled


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
