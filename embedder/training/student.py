"""The model of a training run: an Embedder whose vectors have gradients, as the only module of a SentenceTransformer.

It runs the body that the engine also embeds with, so a score taken between two steps is of the very same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from sentence_transformers import SentenceTransformer

from embedder.embedder import Embedder
from embedder.interop import MethodModule
from embedder.prompt import build
from embedder.row import Side


class Student(MethodModule):
    """A method on a decoder, trainable; texts are cut to the stage's own lengths, in tokens, before the template."""

    def __init__(self, embedder: Embedder, lengths: dict[Side, int], *, bfloat16: bool = False) -> None:
        super().__init__(embedder)
        self.embedder, self.lengths = embedder, lengths
        self.bfloat16_products = bfloat16  # set here: a gradient cache runs forward outside any trainer's own context
        self.body = self._engine.body(causal=embedder.method.causal)
        self.head = self._engine.model.get_output_embeddings()

    def features(self, side: Side, texts: Sequence[str], instruction: str = "") -> dict[str, torch.Tensor]:
        """Ids, weights (rows sum to 1) and mask of texts, each (n, t), padded on the right."""
        given = instruction if side == "query" else ""
        method, engine, limit = self.embedder.method, self._engine, self.embedder.limit
        cut = [engine.shorten(text, self.lengths[side]) for text in texts]
        prompts = [build(method, side, text, engine, instruction=given, limit=limit) for text in cut]
        ids, weights, mask = self._engine.padded(prompts)
        return {"input_ids": ids, "token_weights": weights, "attention_mask": mask}

    def states(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states after the final norm, (n, t, dim) float32, with gradients."""
        device = next(self.body.parameters()).device
        given: dict[str, Any] = {} if self.embedder.method.causal else {"attention_mask": mask.to(device)}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bfloat16_products):
            found = self.body(input_ids=ids.to(device), use_cache=False, **given)
        return torch.as_tensor(found.last_hidden_state).float()

    def forward(self, features: dict[str, torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        """Adds `sentence_embedding`, (n, dim), unit rows."""
        states = self.states(features["input_ids"], features["attention_mask"])
        pooled = torch.bmm(features["token_weights"].to(states.device)[:, None], states)[:, 0]
        features["sentence_embedding"] = torch.nn.functional.normalize(pooled[:, : self.embedder.dim], dim=1)
        return features

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """The parameters that learn, by name, each once."""
        found = {**dict(self.backbone.named_parameters()), **dict(self.body.named_parameters(prefix="body"))}
        once = {id(weight): name for name, weight in reversed(found.items()) if weight.requires_grad}
        return {name: found[name] for name in once.values()}

    def train(self, mode: bool = True) -> Self:
        """Dropout on or off, in the body that is trained."""
        super().train(mode)
        self.body.train(mode)
        return self


def model_of(student: Student) -> SentenceTransformer:
    """What the losses of sentence-transformers take."""
    device = str(next(student.body.parameters()).device)
    return SentenceTransformer(modules=[student], device=device, similarity_fn_name="cosine")
