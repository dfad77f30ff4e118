"""Writing with a causal language model: greedy decoding over a key-value cache, and the probability of a given text."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from embedder.tokens import Tokens


def stream(model: Any, tokens: Tokens, ids: Sequence[int], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
    """Pieces of text after `ids`, until an end token, `max_tokens`, `stop`, or the iterator is closed."""
    return tokens.pieces(_greedy(model, ids, ends=tokens.stops(), stop=stop, max_tokens=max_tokens))


def _greedy(model: Any, ids: Sequence[int], *, ends: set[int], stop: threading.Event, max_tokens: int) -> Iterator[int]:
    cache = None
    fed = torch.tensor([list(ids)], device=model.device)
    for _ in range(max_tokens):
        if stop.is_set():
            return
        with torch.inference_mode():
            output = model(input_ids=fed, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = output.past_key_values
        token = int(output.logits[0, -1].argmax())
        if token in ends:
            return
        yield token
        fed = torch.tensor([[token]], device=model.device)


def score(model: Any, context: Sequence[int], text: Sequence[int]) -> float:
    """Mean log probability of the ids of `text` after those of `context`."""
    if not context:
        context, text = text[:1], text[1:]  # the first token of all has no probability
    ids = torch.tensor([[*context, *text]], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(text) + 1).logits[0, -len(text) - 1 : -1]
        logp = torch.log_softmax(logits.float(), dim=-1)  # (t, vocabulary)
        return float(logp[torch.arange(len(text)), torch.tensor(text)].mean())
