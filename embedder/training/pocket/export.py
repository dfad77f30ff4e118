"""The folder that ships: weights in bfloat16, tokenizer, configuration, chat template, and the model's own card."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import LlamaForCausalLM

CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CARD = {
    "method": "pocket",
    "instruction": "Given a question, retrieve passages that answer it",
    "writes": False,
    "rerank": False,
    "dimensions": [512, 256, 128, 64],
    "chunk_tokens": 160,
    "surround": 0.5,
    "limit": 512,
}


def export(model: LlamaForCausalLM, tokenizer: Path, folder: Path) -> None:
    """Write a complete `AutoModelForCausalLM` folder; `tokenizer` is the tokenizer.json to ship."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.is_causal = True  # a reader of the folder gets a writer; the embedder makes its own twin
    model.bfloat16().save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer.read_text("utf-8"), "utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.max_position_embeddings,
        "eos_token": "<|im_end|>", "pad_token": "<|pad|>", "clean_up_tokenization_spaces": False, "chat_template": CHAT,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    (folder / "twofold.json").write_text(json.dumps(CARD, indent=1) + "\n", "utf-8")
