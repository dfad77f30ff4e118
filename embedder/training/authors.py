"""Who writes synthetic data: the resident decoder, or a server that speaks OpenAI's protocol. A prompt in, a text out.

A local writer is greedy where it answers questions; here it draws, at temperature 1, or all examples were one.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from embedder.engine import Message
from embedder.transformers_engine import TransformersEngine

TRIES = 4
AGAIN = (408, 409, 429, 500, 502, 503, 504)


class Author(Protocol):
    """Writes an answer to a prompt; the same seed gives the same answer where the author is local."""

    name: str

    def write(self, prompt: str, *, seed: int, max_tokens: int) -> str:
        """The answer."""
        ...


@dataclass(frozen=True, slots=True)
class Resident:
    """The decoder in memory, drawing from its own distribution (temperature and top-p of 1)."""

    engine: TransformersEngine

    @property
    def name(self) -> str:
        """The model's name."""
        return self.engine.name

    def write(self, prompt: str, *, seed: int, max_tokens: int) -> str:
        """The answer under the chat template, or the plain continuation of a base model."""
        engine = self.engine
        plain = [*engine.special("bos"), *engine.encode(prompt + "\n")]
        ids = engine.conversation([Message("user", prompt)]) if engine.chats else plain
        room = min(max_tokens, engine.context - len(ids))
        if room < 1:
            raise ValueError(f"a prompt of {len(ids)} tokens leaves no room in a context of {engine.context}")
        given = torch.tensor([ids], device=engine.model.device)
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            written = engine.model.generate(
                input_ids=given, attention_mask=torch.ones_like(given), do_sample=True, temperature=1.0, top_p=1.0,
                top_k=0, max_new_tokens=room, pad_token_id=engine.special("eos")[0],
                eos_token_id=sorted(engine.ends()),
            )  # fmt: skip
        return engine.decode([i for i in written[0, len(ids) :].tolist() if i not in engine.ends()])


@dataclass(frozen=True, slots=True)
class Remote:
    """A server with /chat/completions. The prompts hold no text of the reader's; the key comes from the environment."""

    url: str
    model: str
    key_name: str = "OPENAI_API_KEY"
    timeout_s: float = 300.0

    def __post_init__(self) -> None:
        """Refuse what is no address of a web server."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"{self.url} is no http:// or https:// address")

    @property
    def name(self) -> str:
        """Model and server."""
        return f"{self.model} at {self.url}"

    def write(self, prompt: str, *, seed: int, max_tokens: int) -> str:
        """The answer; a server that is busy is asked again, later and later."""
        body = {
            "model": self.model, "messages": [{"role": "user", "content": prompt}], "temperature": 1.0, "top_p": 1.0,
            "max_tokens": max_tokens, "seed": seed,
        }  # fmt: skip
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(self.key_name):
            headers["Authorization"] = f"Bearer {key}"
        place = self.url.rstrip("/") + "/chat/completions"
        request = urllib.request.Request(place, json.dumps(body).encode(), headers)
        for number in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                    return _content(json.load(answer))
            except urllib.error.HTTPError as error:
                if error.code not in AGAIN or number == TRIES - 1:
                    said = error.read(300).decode("utf-8", "replace")
                    raise ValueError(f"{self.url} answered {error.code}: {' '.join(said.split())}") from error
            except (urllib.error.URLError, TimeoutError) as error:
                if number == TRIES - 1:
                    raise ValueError(f"{self.url} cannot be reached: {error}") from error
            time.sleep(2**number)
        raise AssertionError("the last try returns or raises")


def _content(answer: Any) -> str:
    try:
        return str(answer["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"the server's answer has no choices[0].message.content: {str(answer)[:200]}") from None
