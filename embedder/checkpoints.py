"""Published checkpoints as rows: an id alone says the base, the adapters in their order, and the method.

A checkpoint is found by its id, or by the folder's name where it lies on disk. No file is opened here.
"""

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from embedder.method import find_method
from embedder.naming import folder_name

Head = Literal["", "pooler"]
FORMAT = re.compile(r"[-_.](i?q\d\w*|b?f16|f32)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published checkpoint, or a family of them by a pattern with `*`.

    `base` and `adapters`: what to load and to merge, in order; {} stands for the id itself. `limit` is in tokens.
    `dtype`: the number format on an accelerator. `head`: what follows pooling. `refused`: why it cannot be opened.
    """

    id: str
    method: str
    base: str = "{}"
    adapters: tuple[str, ...] = ()
    instruction: str = ""
    limit: int = 0
    dtype: str = "bfloat16"
    writes: bool = False
    head: Head = ""
    refused: str = ""

    def __post_init__(self) -> None:
        """A row names a method that exists, unless it is there to refuse."""
        if not self.refused:
            find_method(self.method)


def _llm2vec(name: str, base: str, method: str = "llm2vec") -> tuple[Checkpoint, ...]:
    """MNTP is merged into the base; SimCSE or supervision is an adapter on top of that."""
    mntp = f"McGill-NLP/LLM2Vec-{name}-mntp"
    upper = ("-unsup-simcse", "-supervised")
    rows = [Checkpoint(mntp, method, base=base, adapters=(mntp,), limit=512)]
    rows += [Checkpoint(mntp + end, method, base=base, adapters=(mntp, mntp + end), limit=512) for end in upper]
    return tuple(rows)


_PROMPTEOL = {
    "opt-1.3b": "facebook/opt-1.3b",
    "opt-2.7b": "facebook/opt-2.7b",
    "opt-6.7b": "facebook/opt-6.7b",
    "opt-13b": "facebook/opt-13b",
    "llama-7b": "huggyllama/llama-7b",
    "llama-13b": "huggyllama/llama-13b",
    "llama-30b": "huggyllama/llama-30b",
}
_CODE = "it needs its own code, which is not run here"

TABLE = (
    *_llm2vec("Meta-Llama-3-8B-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct"),
    *_llm2vec("Meta-Llama-31-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "llm2vec-plain"),
    *_llm2vec("Mistral-7B-Instruct-v2", "mistralai/Mistral-7B-Instruct-v0.2"),
    *_llm2vec("Llama-2-7b-chat-hf", "meta-llama/Llama-2-7b-chat-hf"),
    *_llm2vec("Sheared-LLaMA", "princeton-nlp/Sheared-LLaMA-1.3B", "llm2vec-plain"),
    Checkpoint("intfloat/e5-mistral-7b-instruct", "e5-instruct", limit=4096, dtype="float16"),
    Checkpoint("Salesforce/SFR-Embedding-Mistral", "e5-instruct", limit=4096),
    Checkpoint("Linq-AI-Research/Linq-Embed-Mistral", "e5-instruct", limit=4096),
    Checkpoint("zeta-alpha-ai/Zeta-Alpha-E5-Mistral", "e5-instruct", limit=4096),
    Checkpoint("jspringer/echo-mistral-7b-instruct-lasttoken", "echo-trained", limit=1024),
    Checkpoint("jspringer/echo-mistral-7b-instruct-meantoken", "echo-trained-mean", limit=1024),
    *(
        Checkpoint(
            f"castorini/repllama-v1-7b-lora-{kind}", "repllama", "meta-llama/Llama-2-7b-hf", ("{}",), limit=limit
        )
        for kind, limit in (("passage", 512), ("doc", 2048))
    ),
    Checkpoint("samaya-ai/RepLLaMA-reproduced", "repllama", "meta-llama/Llama-2-7b-hf", ("{}",), limit=512),
    Checkpoint("samaya-ai/promptriever-llama2-7b-v1", "repllama", "meta-llama/Llama-2-7b-hf", ("{}",), limit=512),
    Checkpoint("Muennighoff/SGPT-*-weightedmean-msmarco-specb-bitfit", "sgpt-specb", limit=300, dtype="float32"),
    Checkpoint("bigscience/sgpt-bloom-7b1-msmarco", "sgpt-specb", limit=300),
    Checkpoint("Muennighoff/SGPT-*-weightedmean-nli-bitfit", "sgpt", limit=300, dtype="float32"),
    Checkpoint("izhx/udever-bloom-*", "udever", limit=300),
    *(
        Checkpoint(f"royokong/prompteol-{name}", "prompteol", base, ("{}",), limit=128, dtype="float16")
        for name, base in _PROMPTEOL.items()
    ),
    Checkpoint("GritLM/GritLM-*", "gritlm", limit=2048, writes=True),
    Checkpoint("BAAI/bge-en-icl", "bge-en-icl", limit=4096, dtype="float16"),
    Checkpoint("Qwen/Qwen3-Embedding-*", "qwen3-embedding", limit=8192),
    Checkpoint("Alibaba-NLP/gte-Qwen2-*-instruct", "gte-qwen2-instruct", limit=8192),
    Checkpoint("nvidia/NV-Embed-*", "", refused=f"{_CODE}; Qwen/Qwen3-Embedding-8B or BAAI/bge-en-icl open without"),
    Checkpoint("princeton-nlp/unsup-simcse-*", "simcse", limit=512, dtype="float32"),
    Checkpoint("princeton-nlp/sup-simcse-*", "simcse", limit=512, dtype="float32", head="pooler"),
    Checkpoint("royokong/*-PromptBERT", "promptbert", limit=512, dtype="float32"),
    Checkpoint("royokong/*-PromptRoBERTa*", "promptroberta", limit=512, dtype="float32"),
    Checkpoint("sentence-transformers/sentence-t5-*", "sentence-t5", limit=256, dtype="float32"),
    Checkpoint("sentence-transformers/gtr-t5-*", "gtr", limit=512, dtype="float32"),
    Checkpoint("hkunlp/instructor-*", "instructor", limit=512, dtype="float32"),
    Checkpoint("intfloat/multilingual-e5-large-instruct", "e5-encoder-instruct", limit=512, dtype="float32"),
    Checkpoint("intfloat/e5-*", "e5", limit=512, dtype="float32"),
    Checkpoint("intfloat/multilingual-e5-*", "e5", limit=512, dtype="float32"),
    Checkpoint("BAAI/bge-*-zh*", "bge-zh", limit=512, dtype="float32"),
    Checkpoint("BAAI/bge-*-en*", "bge", limit=512, dtype="float32"),
)


def find_checkpoint(model: str) -> Checkpoint | None:
    """The row of a hub id, or of a folder or GGUF file of that name, {} replaced by it; None for a model not listed."""
    name = _name(model)
    for row in TABLE:
        known = row.id.rpartition("/")[2] if name else row.id
        if fnmatchcase((name or model).lower(), known.lower()):
            own = tuple(adapter.format(model) for adapter in row.adapters)
            return replace(row, id=model, base=row.base.format(model), adapters=own)
    return None


def _name(model: str) -> str:
    """What a folder is called, or a GGUF file without the number format its name ends in; "" for an id."""
    if model.lower().endswith(".gguf"):
        return FORMAT.sub("", Path(model).stem)
    return folder_name(Path(model)) if Path(model).is_dir() else ""
