"""Five published tokenizers, read from the test data, as the papers' rules and as our own code need them."""

from collections.abc import Callable
from typing import Any

import transformers

from tests.embedder.rules import Kit
from tests.shared import SHARED

FOLDER = SHARED / "data" / "vocab"
LLAMA_2_CHAT = (  # the published template without its system turn
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA_3_CHAT = (
    "{% for m in messages %}{{ (bos_token if loop.first else '') + '<|start_header_id|>' + m.role +"
    " '<|end_header_id|>\n\n' + m.content.strip() + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
# name: (file, chat template where the file has none)
FILES = {
    "llama-2": ("ggml-vocab-llama-spm.gguf", LLAMA_2_CHAT),
    "llama-3": ("ggml-vocab-llama-bpe.gguf", LLAMA_3_CHAT),
    "qwen2": ("ggml-vocab-qwen2.gguf", None),
    "gpt-2": ("ggml-vocab-gpt-2.gguf", None),
    "phi-3": ("ggml-vocab-phi-3.gguf", None),
}
# (beginning of a text, end of a text, <|endoftext|> or the end token)
ENDS = {
    "llama-2": ([1], 2, 2),
    "llama-3": ([128000], 128001, 128256),  # reading it from GGUF adds an <|endoftext|>
    "qwen2": ([], 151643, 151643),
    "gpt-2": ([], 50256, 50256),
    "phi-3": ([1], 32000, 32000),
}
# opening special tokens, text that follows them, text that closes, closing special tokens
TURNS: dict[str, tuple[list[int], str, str, list[int]]] = {
    "llama-2": ([], "[INST] ", " [/INST]", []),
    "qwen2": ([151644], "user\n", "", [151645]),
    "phi-3": ([32010], "\n", "", [32007]),
}


def plain_tokenizer(name: str) -> Any:
    """A tokenizer as transformers reads it."""
    return transformers.AutoTokenizer.from_pretrained(FOLDER, gguf_file=FILES[name][0])


def tokenizer(name: str) -> Any:
    """A tokenizer with the four tokens that UDEVER adds."""
    _, chat = FILES[name]
    loaded = plain_tokenizer(name)
    loaded.add_special_tokens({"additional_special_tokens": ["[BOQ]", "[EOQ]", "[BOD]", "[EOD]"]})
    if chat:
        loaded.chat_template = chat
    return loaded


def kit(name: str, loaded: Any) -> Kit:
    """The tokenizer for the papers' rules."""

    def enc(text: str) -> list[int]:
        ids: list[int] = loaded.encode(text, add_special_tokens=False, split_special_tokens=True)
        return ids

    def dec(ids: list[int]) -> str:
        text: str = loaded.decode([*enc("x")[-1:], *ids])  # decoding would drop a space at the very beginning
        return text[1:]

    bos, eos, endoftext = ENDS[name]
    chat, tail = _turn(name, enc)
    return Kit(enc, dec, loaded.convert_tokens_to_ids, bos, eos, endoftext, chat, tail)


def _turn(name: str, enc: Callable[[str], list[int]]) -> tuple[Callable[[str], list[int]], Callable[[str], list[int]]]:
    if name == "llama-3":  # three runs: the role's name stands between two special tokens
        head = [128006, *enc("user"), 128007]
        return (lambda text: [*head, *enc("\n\n" + text), 128009]), (lambda text: [*enc(text), 128009])
    first, before, after, last = TURNS.get(name, ([], "", "", []))
    return (
        lambda text: [*first, *enc(before + text + after), *last],
        lambda text: [*enc(text + after), *last],
    )
