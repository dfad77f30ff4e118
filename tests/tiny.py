"""Tiny random models of many families and a tokenizer for them, made on the spot: real files, no network."""

from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = (
    "The cat sat on the mat, and the dog slept beside it all afternoon.",
    "Tax law is reformed every year; few people read the new paragraphs.",
    "向量检索把文字变成数字。猫坐在垫子上。",
    "def add(a, b):\n    return a + b",
)
SPECIALS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "[BOQ]", "[EOQ]", "[BOD]", "[EOD]")
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY = 400
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": VOCABULARY}
GROUPED = SIZES | {"intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 512}
FAMILIES: dict[str, tuple[str, dict[str, object]]] = {
    "llama": ("LlamaConfig", GROUPED),
    "qwen2": ("Qwen2Config", GROUPED),
    "qwen3": ("Qwen3Config", GROUPED | {"head_dim": 8}),
    "mistral": ("MistralConfig", GROUPED | {"sliding_window": None}),
    "mistral-window": ("MistralConfig", GROUPED | {"sliding_window": 6}),
    "gemma": ("GemmaConfig", GROUPED | {"head_dim": 8}),
    "gpt-neox": ("GPTNeoXConfig", SIZES | {"intermediate_size": 48, "max_position_embeddings": 512}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "vocab_size": VOCABULARY}),
    "opt": ("OPTConfig", SIZES | {"ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 512}),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": VOCABULARY}),
    "gpt-neo": (
        "GPTNeoConfig",
        {
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 6,
            "max_position_embeddings": 512,
            "vocab_size": VOCABULARY,
        },
    ),
}
FLIPPED = tuple(family for family in FAMILIES if family != "bloom")  # can be made bidirectional


def make_tokenizer(*, chat: bool = True) -> transformers.PreTrainedTokenizerFast:
    """A byte-level BPE of 400 ids that reads every character, with a beginning and an end token it never adds."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIALS), initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS * 2, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def make_model(
    family: str, *, seed: int = 0, attention: str | None = None, **changes: object
) -> transformers.PreTrainedModel:
    """A random causal language model of a family; weights are large enough for texts to differ."""
    name, values = FAMILIES[family]
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "initializer_range": 0.2}
    config = getattr(transformers, name)(**(values | ids | changes))
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation=attention
    ).eval()


def save(family: str, folder: Path, *, chat: bool = True, **changes: object) -> Path:
    """A model folder as a person would have it."""
    make_model(family, **changes).save_pretrained(folder)
    make_tokenizer(chat=chat).save_pretrained(folder)
    return folder
