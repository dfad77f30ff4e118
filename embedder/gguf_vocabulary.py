"""A tokenizer of transformers written into a GGUF file, and the proof that it came along exactly."""

import json
from pathlib import Path
from typing import Any

from embedder.gguf_header import read_header
from embedder.llama_tokens import LlamaTokens
from embedder.tokens import Tokens

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # kinds of tokens in the file
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# how a byte-level tokenizer cuts a text into words: its pattern, and llama.cpp's name for it
CUTS = {
    "": "gpt-2",
    CONTRACTIONS + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST: "llama-bpe",
    CONTRACTIONS + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST: "qwen2",
}
SAMPLES = (
    "The quick brown fox jumps over 13 lazy dogs; it's 3.14159, isn't it? I'LL SEE.", "  two  words\n", " ",
    "x", "7\t8", "猫坐在垫子上，向量检索。", "日本語のテキスト 한국어 문장", "שלום עולם مرحبا",
    "Привет, мир Ελληνικά हिन्दी ไทย Tiếng Việt", "👩‍🚀🙂 family 👨‍👩‍👧‍👦 ☕",
    "def f(a):\n\treturn {a: [1]}\n\n\n", "∑ x² ≤ ∞ ½ ﬁ Ⅳ", "naïve café e\u0301te\u0301 A\u030angstro\u0308m",
    'say "[/INST]" }{ </s> <|endoftext|> <|im_end|> [EOQ] <think> {text} !@#$%^&*()',
    "a\r\nb\u00a0c\u3000d\u200be", "1234567 2024-05-17", "nul \x00 and bell \x07",
    "https://example.org/a?b=c&d=%20 C:\\Users\\x a_b_c camelCase", "▁ Ġ", "\n\n  \n \t x",
)  # fmt: skip


def add_vocabulary(writer: Any, tokenizer: Any, size: int, name: str) -> None:
    """Tokens, merges, special tokens and chat template; `size` is how many rows the embeddings have."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    if state["model"]["type"] != "BPE":
        raise ValueError(f"the tokenizer of {name} is {state['model']['type']}; only BPE is written as GGUF")
    words = {index: word for word, index in tokenizer.get_vocab().items()}
    added = {token["id"]: token for token in state["added_tokens"]}
    bytewise = not state["model"].get("byte_fallback")
    writer.add_tokenizer_model("gpt2" if bytewise else "llama")
    writer.add_tokenizer_pre(_cut(state, name) if bytewise else "default")
    writer.add_token_list([words.get(index, f"[PAD{index}]") for index in range(size)])
    writer.add_token_types([_kind(index, words, added, state["model"]) for index in range(size)])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in state["model"]["merges"]]
    if bytewise:
        writer.add_token_merges(merges)
    else:
        ranks = {merge.replace(" ", "", 1): -float(at) for at, merge in reversed(list(enumerate(merges, 1)))}
        writer.add_token_scores([ranks.get(words.get(index, ""), 0.0) for index in range(size)])
    _add_specials(writer, tokenizer, name)


def check_vocabulary(path: Path, tokenizer: Any, kind: str, name: str) -> None:
    """ValueError unless the written vocabulary gives the same ids, special tokens and conversation."""
    theirs = Tokens(tokenizer, name=name, kind=kind)
    ours = LlamaTokens(read_header(path), name=path.name)
    for text in SAMPLES:
        if ours.tokens(text) != (theirs.encode(text), [tuple(span) for span in theirs.tokens(text)[1]]):
            raise ValueError(f"the tokenizer of {name} cannot be carried over exactly: it differs on {text!r}")
    for role in ("bos", "eos", *(("user", "end_user", "assistant") if theirs.chats else ())):
        if _role(ours, role) != _role(theirs, role):
            raise ValueError(f"the tokenizer of {name} cannot be carried over exactly: its {role} differs")


def _role(tokens: Tokens | LlamaTokens, role: str) -> tuple[int | str, ...] | None:
    try:
        return tokens.wrapper(role)
    except ValueError:
        return None


def _cut(state: dict[str, Any], name: str) -> str:
    """llama.cpp's name for how the words are cut; ValueError for a way it is not known to have."""
    before = state["pre_tokenizer"] or {}
    steps = before.get("pretokenizers", [before])
    pattern = "".join(step["pattern"].get("Regex", "?") for step in steps if step["type"] == "Split")
    bytewise = [step for step in steps if step["type"] == "ByteLevel" and not step["add_prefix_space"]]
    normal = (state["normalizer"] or {}).get("type", "")
    fits = (
        len(bytewise) == 1 and len(steps) == len(bytewise) + bool(pattern) and bytewise[0]["use_regex"] != bool(pattern)
    )
    if not fits or pattern not in CUTS or normal != ("NFC" if CUTS[pattern] == "qwen2" else ""):
        raise ValueError(f"the tokenizer of {name} cuts words in a way that is not known to be in llama.cpp")
    return CUTS[pattern]


def _kind(index: int, words: dict[int, str], added: dict[int, Any], model: dict[str, Any]) -> int:
    if index not in words:
        return UNUSED
    if words[index] == model.get("unk_token") and model.get("byte_fallback"):
        return UNKNOWN
    if index in added:
        return CONTROL if added[index]["special"] else USER_DEFINED
    return BYTE if model.get("byte_fallback") and len(words[index]) == 6 and words[index].startswith("<0x") else NORMAL


def _add_specials(writer: Any, tokenizer: Any, name: str) -> None:
    tokens = Tokens(tokenizer, name=name)
    eos = tokens.after[0] if tokens.after else tokenizer.eos_token_id
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    if eos is not None:
        writer.add_eos_token_id(eos)
    if tokenizer.eos_token_id not in (None, eos):
        writer.add_eot_token_id(tokenizer.eos_token_id)
    if tokenizer.pad_token_id is not None:
        writer.add_pad_token_id(tokenizer.pad_token_id)
    if tokenizer.unk_token_id is not None:
        writer.add_unk_token_id(tokenizer.unk_token_id)
    writer.add_add_bos_token(bool(tokens.before))
    writer.add_add_eos_token(bool(tokens.after))
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)
