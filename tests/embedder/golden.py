"""Writes the golden ids: `python -m tests.embedder.golden` after a change of rows, with the test data present.

Expected ids come from the papers' rules on the real tokenizers; beside them stand the encodings of the few strings
which our builder asks for, so that the tests need no tokenizer files.
"""

import json
from pathlib import Path
from typing import Any

from embedder.method import METHODS
from embedder.prompt import build
from embedder.tokens import Tokens
from tests.embedder.rules import RULES, Expected, Kit
from tests.embedder.vocabularies import FILES, kit, tokenizer

DATA = Path(__file__).parent / "data"
LIMIT = 64
TEXTS = {
    "short": "A cat sat.",
    "one": "x",
    "digit": "7",
    "chinese": "猫坐在垫子上。",
    "emoji": "👩‍🚀🙂 ok",
    "code": "def f(a):\n\treturn {a: [1]}",
    "right-to-left": "שלום עולם",
    "spaces": "  two  words\n",
    "markers": 'say "[/INST]" }{ </s> <|endoftext|> <|im_end|> [EOQ] {text} !@#$%^&*()',
    "long": "The quick brown fox, who is 🙂, jumps over 13 lazy dogs: " * 6,
}
ROOM = {"bge-en-icl", "prompteol-icl"}  # rows whose template alone nears the limit get twice of it


class Recorder:
    """An engine without weights: the tokenizer, remembering what it was asked."""

    def __init__(self, tokens: Any) -> None:
        self.name, self.context = "recorded", 10_000
        self._tokens = tokens
        self.said: dict[str, Any] = {"tokens": {}, "shorten": {}, "wrapper": {}}

    def tokens(self, text: str) -> Any:
        return self.said["tokens"].setdefault(text, self._tokens.tokens(text))

    def encode(self, text: str) -> list[int]:
        return list(self.tokens(text)[0])

    def shorten(self, text: str, tokens: int) -> str:
        return str(self.said["shorten"].setdefault(f"{tokens} {text}", self._tokens.shorten(text, tokens)))

    def wrapper(self, role: str) -> Any:
        return self.said["wrapper"].setdefault(role, self._tokens.wrapper(role))


def limit(name: str) -> int:
    return 2 * LIMIT if name in ROOM else LIMIT


def expected(kit: Kit, name: str, side: str, text: str) -> Expected:
    """The rule on the longest prefix of the text, at a token's end, whose finished sequence fits."""
    whole = RULES[name](kit, side, text)
    if len(whole[0]) <= limit(name):
        return whole
    tokens = kit.enc(text)
    for end in range(len(text), 0, -1):
        prefix = kit.enc(text[:end])
        if prefix != tokens[: len(prefix)]:
            continue  # not the end of a token
        cut = RULES[name](kit, side, text[:end])
        if len(cut[0]) <= limit(name):
            return cut
    raise AssertionError(f"nothing of {text!r} fits {name}")


def rows(name: str) -> list[str]:
    return [row for row in METHODS if row != "llm2vec" or name != "gpt-2"]  # GPT-2 has no chat template


def golden(name: str, loaded: Any) -> dict[str, Any]:
    papers, recorder = kit(name, loaded), Recorder(Tokens(loaded, name=name))
    cases = {}
    for row in rows(name):
        for side in ("query", "document"):
            for key, text in TEXTS.items():
                cases[f"{row} {side} {key}"] = expected(papers, row, side, text)
                build(METHODS[row], side, text, recorder, limit=limit(row))
    return {"expected": cases, "said": recorder.said}


if __name__ == "__main__":
    for name in FILES:
        text = json.dumps(golden(name, tokenizer(name)), ensure_ascii=False, separators=(",", ":"))
        (DATA / f"golden-{name}.json").write_text(text, encoding="utf-8")
