"""Tiny random models of many families and a tokenizer for them, made on the spot: real files, no network."""

from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

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


def make_wordpiece() -> transformers.PreTrainedTokenizerFast:
    """A WordPiece tokenizer that puts [CLS] and [SEP] around a text, as BERT's does."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=specials, show_progress=False)
    backend.train_from_iterator(TEXTS * 2, trainer)
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, mask_token="[MASK]", model_max_length=160, **names
    )


def save_bert(folder: Path, *, masked: bool = False) -> Path:
    """A plain BERT folder: the body alone, or with its masked-language head as PromptBERT is published."""
    config = transformers.BertConfig(**SIZES, intermediate_size=48, max_position_embeddings=160, initializer_range=0.2)
    torch.manual_seed(0)
    opener = transformers.BertForMaskedLM if masked else transformers.BertModel
    opener(config).save_pretrained(folder)
    make_wordpiece().save_pretrained(folder)
    return folder


def save_t5(folder: Path) -> Path:
    """A T5 encoder folder whose tokenizer ends a text with </s>."""
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, initializer_factor=1.0
    )
    torch.manual_seed(0)
    transformers.T5EncoderModel(config).save_pretrained(folder)
    tokenizer = make_tokenizer(chat=False)
    rule = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
    tokenizer.backend_tokenizer.post_processor = rule
    tokenizer.save_pretrained(folder)
    return folder
