"""Engine and Writer on transformers: one set of weights, causal as loaded, bidirectional through a twin.

It knows no method: prompts come with ids and weights, and only pooled vectors leave.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from embedder.attention import refusal, sharing, twin
from embedder.engine import Message
from embedder.torch_engine import TorchEngine
from embedder.writing import score, stream


class TransformersEngine(TorchEngine):
    """A loaded decoder. `model` is a causal language model of transformers; `writes`: its output head is trained."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        revision: str,
        context: int,
        threads: int = 0,
        writes: bool = True,
    ) -> None:
        self._twin: Any = None
        self._causal: Any = None  # a copy that shares the weights, only where adapters are kept apart
        self._attach: Callable[[Any], None] | None = None
        self._lock = threading.Lock()
        self.writes = writes
        super().__init__(model, tokenizer, name=name, revision=revision, context=context, threads=threads)

    @property
    def chats(self) -> bool:
        """Whether the model has a chat template, so that it can be asked in turns."""
        return self._tokens.chats

    @property
    def bytes(self) -> int:
        """Memory of the weights; the twin and the writer share them."""
        return int(sum(weight.numel() * weight.element_size() for weight in self._model.parameters()))

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

    def conversation(self, messages: Sequence[Message]) -> list[int]:
        """Ids of a conversation up to where the assistant begins."""
        return self._tokens.conversation(messages)

    def ends(self) -> set[int]:
        """Ids that end what the model says."""
        return self._tokens.stops()

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
        self._twin = self._causal = None
        super().close()

    def adapt(self, attach: Callable[[Any], None]) -> None:
        """From here on embed with `attach` done to copies that share the weights; the writer stays as it is."""
        with self._lock:
            self._attach, self._twin, self._causal = attach, None, None

    @property
    def attached(self) -> Callable[[Any], None] | None:
        """What is done to copies before they embed, if anything."""
        return self._attach

    def forget(self) -> None:
        """Make the copies anew when they are next needed: the model under them was changed."""
        with self._lock:
            self._twin = self._causal = None

    def body(self, *, causal: bool) -> Any:
        """What embeds: the decoder without its head, its bidirectional twin, or a copy of either with adapters."""
        if not causal:
            return self._encoder()
        with self._lock:
            if self._attach is None:
                return self._model.base_model
            if self._causal is None:
                self._causal = sharing(self._model.base_model)
                self._put(self._causal)
            return self._causal

    def _states(self, ids: torch.Tensor, mask: torch.Tensor, *, causal: bool) -> torch.Tensor:
        """Last hidden states after the final norm, (n, t, dim); no logits are computed.

        With padding on the right no state of a text sees it under causal attention, so only the other needs the mask.
        """
        with torch.inference_mode():
            if causal:
                states = self.body(causal=True)(input_ids=ids.to(self.device), use_cache=False)
            else:
                states = self._encoder()(
                    input_ids=ids.to(self.device), attention_mask=mask.to(self.device), use_cache=False
                )
        return torch.as_tensor(states.last_hidden_state)

    def _encoder(self) -> Any:
        with self._lock:
            if self._twin is None:
                reason = refusal(self._model.config)
                if reason:
                    raise ValueError(f"{self.name}: {reason}")
                self._twin = twin(self._model.base_model)
                self._put(self._twin)
            return self._twin

    def _put(self, copy: Any) -> None:
        """Adapters on a copy, as ordinary tensors even where it is first asked for by an embedding: they may learn."""
        if self._attach is not None:
            with torch.inference_mode(mode=False):
                self._attach(copy)
