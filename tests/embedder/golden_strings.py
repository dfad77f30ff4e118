"""A thousand strings for the golden ids of GGUF vocabularies: every script, emoji, code, markers, odd spaces.

`python -m tests.embedder.golden_strings` writes what the transformers engine's tokenizers make of them, as one short
hash of the ids and spans of each string, so that the test needs neither transformers' slow conversion nor a large file.
Two things that the published tokenizers do are lost when transformers reads them from GGUF, and are put back here:
Qwen2 composes characters first (NFC), and Llama 3 takes a word that is in its vocabulary whole.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from embedder.tokens import Tokens
from tests.embedder.vocabularies import FILES, plain_tokenizer

FILE = Path(__file__).parent / "data" / "golden-strings.json"
COUNT = 1000
DIGITS = 8
FRAGMENTS = (
    "The quick brown fox", "jumps over 13 lazy dogs", "it's", "I'LL", "we've", "don't", "e-mail", "naïve café",
    "Straße", "3.14159", "1234567", "2024-05-17", "10%", "$5.00", "a", "B", "...", "?!", "--", "“quoted”",
    "‘single’", "猫坐在垫子上。", "向量检索把文字变成数字", "，", "！", "日本語のテキスト", "カタカナ",
    "한국어 문장", "繁體中文", "〇一二三", "שלום עולם", "مرحبا بالعالم", "Привет, мир", "Ελληνικά", "हिन्दी पाठ",
    "ไทย", "Tiếng Việt", "e\u0301te\u0301", "A\u030angstro\u0308m", "🙂", "👩‍🚀", "👨‍👩‍👧‍👦", "🇩🇪", "❤️", "☕",
    "∑ x² ≤ ∞", "→", "½", "ﬁ", "Ⅳ", "def f(a, b):\n    return a + b", "for (int i=0;i<n;i++) { x[i] *= 2; }",
    "SELECT * FROM t WHERE id = 7;", "\tif x:\n\t\tpass", "<div class=\"a\">text</div>",
    "{\"key\": [1, 2, null]}", "https://example.org/a?b=c&d=%20", "C:\\Users\\x", "a_b_c", "camelCaseName",
    "</s>", "<s>", "<|endoftext|>", "<|im_start|>user\n", "<|im_end|>", "[INST]", "[/INST]",
    "<|begin_of_text|>", "<|eot_id|>", "<unk>", "<|user|>", "<|end|>", "<|assistant|>", "<think>", "<0x41>",
    "[PAD151646]", "{text}", "}{", "!@#$%^&*()", "[EOQ]", "▁", "Ġ", " ", "  ", "   ", "\n", "\n\n", "\t",
    " \n ", "\r\n", "\u00a0", "\u3000", "\u200b", "\x00", "\x07",
)  # fmt: skip


def strings() -> list[str]:
    """The same thousand every time: each fragment alone, then mixtures of up to twelve."""
    chance = random.Random(7)
    mixed = list(FRAGMENTS)
    while len(mixed) < COUNT:
        parts = chance.choices(FRAGMENTS, k=chance.randint(2, 12))
        mixed.append("".join(part + chance.choice(["", " ", " ", "\n"]) for part in parts))
    return mixed[:COUNT]


def digest(ids: Sequence[int], spans: Sequence[Sequence[int]]) -> str:
    """Ids and spans of a string in a few hexadecimal digits."""
    text = json.dumps([list(ids), [list(span) for span in spans]])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def published(name: str) -> Any:
    """A tokenizer as its own tokenizer.json has it."""
    loaded = plain_tokenizer(name)
    state = json.loads(loaded.backend_tokenizer.to_str())
    if name == "qwen2":
        state["normalizer"] = {"type": "NFC"}
    if name == "llama-3":
        state["model"]["ignore_merges"] = True
    loaded._tokenizer = Tokenizer.from_str(json.dumps(state))
    return loaded


if __name__ == "__main__":
    known = {}
    for name in FILES:
        tokens = Tokens(published(name), name=name)
        known[name] = "".join(digest(*tokens.tokens(text)) for text in strings())
    FILE.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
