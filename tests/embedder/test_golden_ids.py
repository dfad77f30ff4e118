"""Every row on five published tokenizers gives the ids and weights its paper's rule gives, also where text is cut."""

import json
from functools import cache
from typing import Any

import pytest

from embedder import METHODS, build
from embedder.tokens import Tokens
from tests.embedder.golden import DATA, TEXTS, limit, rows
from tests.embedder.vocabularies import ENDS, FILES, tokenizer
from tests.shared import needs_shared


class Recorded:
    """An engine that knows the encodings of the golden file and nothing else."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.name, self.context, self._said = "recorded", 10_000, said

    def tokens(self, text: str) -> Any:
        return self._said["tokens"][text]

    def encode(self, text: str) -> list[int]:
        return self.tokens(text)[0]

    def shorten(self, text: str, tokens: int) -> str:
        return self._said["shorten"][f"{tokens} {text}"]

    def wrapper(self, role: str) -> list[int | str]:
        return self._said["wrapper"][role]


@cache
def golden(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"golden-{name}.json").read_text(encoding="utf-8"))


def weights(length: int, first: int, end: int, pool: str) -> list[float]:
    """The weight row as the papers write it."""
    count = end - first
    kinds = {
        "last": [0.0] * (count - 1) + [1.0],
        "mean": [1 / count] * count,
        "ramp": [i / sum(range(1, count + 1)) for i in range(1, count + 1)],
    }
    return [0.0] * first + kinds[pool] + [0.0] * (length - end)


@pytest.mark.parametrize("side", ["query", "document"])
@pytest.mark.parametrize(("name", "row"), [(name, row) for name in FILES for row in rows(name)])
def test_ids_and_weights_are_the_papers(name: str, row: str, side: str):
    recorded = golden(name)
    for key, text in TEXTS.items():
        ids, first, end, pool = recorded["expected"][f"{row} {side} {key}"]
        prompt = build(METHODS[row], side, text, Recorded(recorded["said"]), limit=limit(row))
        assert list(prompt.ids) == ids, key
        assert prompt.weights == pytest.approx(weights(len(ids), first, end, pool)), key


@pytest.mark.parametrize("row", ["e5-instruct", "repllama", "bge-en-icl", "echo-trained"])
@pytest.mark.parametrize("name", FILES)
def test_an_end_token_closes_every_sequence_that_pools_it(name: str, row: str):
    bos, eos, _ = ENDS[name]
    for case, (ids, *_) in golden(name)["expected"].items():
        if case.startswith(f"{row} "):
            assert ids[-1] == eos
            assert ids[: len(bos)] == bos
            assert ids[1:2] != bos, "a double beginning"


@needs_shared
@pytest.mark.parametrize("name", ["llama-2", "gpt-2", "phi-3"])
def test_the_recorded_encodings_are_the_tokenizers_own(name: str):
    recorded, tokens = golden(name)["said"], Tokens(tokenizer(name), name=name)
    for text, (ids, spans) in recorded["tokens"].items():
        assert tokens.tokens(text) == (ids, [tuple(span) for span in spans])
    for role, parts in recorded["wrapper"].items():
        assert list(tokens.wrapper(role)) == parts
