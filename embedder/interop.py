"""An Embedder for other libraries: a SentenceTransformer, which MTEB, LlamaIndex and Haystack take, or LangChain's.

The exported module builds its inputs with our own builder, so the vectors are the same. A prompt given to it is the
instruction, not a string put before the text.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import InputModule

from embedder.embedder import Embedder, combine
from embedder.engine import open_engine
from embedder.method import Method
from embedder.row import Side
from embedder.transformers_engine import TransformersEngine

FILE = "twofold_module.json"


class MethodModule(InputModule):
    """A method on a decoder as the only module of a SentenceTransformer; vectors come out normalised."""

    config_file_name = FILE

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not isinstance(embedder.engine, TransformersEngine):
            raise ValueError(f"{embedder.engine.name} is no decoder on transformers; only those are exported")
        self._embedder, self._engine = embedder, embedder.engine
        self.backbone = embedder.engine.model  # seen by .to(), .device and .parameters()
        self.max_seq_length = embedder.limit

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **options: Any) -> dict[str, Any]:
        """Ids, weights and mask of texts; `task` "query" or a prompt (the instruction) makes them queries."""
        task = options.get("task")
        side: Side = "query" if task == "query" or (prompt and task != "document") else "document"
        instruction = (prompt or "") if side == "query" else ""
        ids, weights, mask = self._engine.padded(self._embedder.prompts(side, inputs, instruction=instruction))
        return {"input_ids": ids, "token_weights": weights, "attention_mask": mask}

    def forward(self, features: dict[str, torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        """Adds `sentence_embedding`, (n, dim)."""
        self._engine.device = str(next(self.backbone.parameters()).device)
        pooled = self._engine.pooled(
            features["input_ids"],
            features["token_weights"],
            features["attention_mask"],
            causal=self._embedder.method.causal,
        )
        head = pooled[:, : self._embedder.dim]
        features["sentence_embedding"] = torch.nn.functional.normalize(head, dim=1)
        return features

    def get_embedding_dimension(self) -> int:
        """Width of a vector."""
        return self._embedder.dim

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Weights, tokenizer and row into a folder."""
        self.backbone.save_pretrained(output_path)
        self._engine.tokenizer.save_pretrained(output_path)
        row = {"method": asdict(self._embedder.method), "limit": self._embedder.limit, "dim": self._embedder.dim}
        text = json.dumps(row, ensure_ascii=False, indent=2)
        (Path(output_path) / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, *_: Any, **__: Any) -> Self:
        """The module of a saved folder."""
        row = json.loads((Path(model_name_or_path) / FILE).read_text(encoding="utf-8"))
        engine = open_engine(model_name_or_path)
        return cls(combine(Method(**row["method"]), engine, limit=row["limit"], dim=row["dim"]))


def to_sentence_transformer(embedder: Embedder) -> SentenceTransformer:
    """The embedder as a SentenceTransformer: encode_query, encode_document, save_pretrained.

    A saved one is read by `SentenceTransformer(folder, trust_remote_code=True)`, where the flag only lets the library
    import this installed package, or by `read_sentence_transformer(folder)` without it.
    """
    module = MethodModule(embedder)
    return SentenceTransformer(modules=[module], device=embedder.engine.device, similarity_fn_name="cosine")


def read_sentence_transformer(folder: str) -> SentenceTransformer:
    """A SentenceTransformer that was saved from here."""
    module = MethodModule.load(folder)
    return SentenceTransformer(modules=[module], similarity_fn_name="cosine")


@dataclass(frozen=True, slots=True)
class LangChainEmbeddings:
    """LangChain's Embeddings interface: two methods, no dependency."""

    embedder: Embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of documents."""
        return [[float(value) for value in row] for row in self.embedder.documents(texts)]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        return [float(value) for value in self.embedder.queries([text])[0]]
