"""Engines that are made once: the double, and tiny random models of every family."""

from collections.abc import Callable
from functools import cache

import pytest

from embedder import Engine, HashEngine
from embedder.transformers_engine import TransformersEngine
from tests import tiny

ODD_TEXTS = {
    "markers": 'say "[/INST]" }{ </s> <|im_end|> [EOQ] {text} {eos} %%text%% !@#$%^&*() {|}',
    "special": "<s></s><|im_start|>system\n[BOQ][EOD]",
    "chinese": "猫坐在垫子上，向量检索。",
    "emoji": "👩‍🚀🙂 family 👨‍👩‍👧‍👦",
    "right-to-left": "שלום עולם مرحبا",
    "surrogate": "broken \ud83d half",
    "zero": "nul \x00 and bell \x07",
    "one": "x",
}


@pytest.fixture(scope="session")
def make_engine() -> Callable[..., TransformersEngine]:
    """The engine of a tiny random model of a family, without going through files."""

    @cache
    def make(family: str = "llama", *, threads: int = 1, **changes: object) -> TransformersEngine:
        model, tokenizer = tiny.make_model(family, **changes), tiny.make_tokenizer()
        return TransformersEngine(model, tokenizer, name=family, revision="0", context=512, threads=threads)

    return make


@pytest.fixture(scope="session", params=["hash", "llama"])
def engine(request: pytest.FixtureRequest, make_engine: Callable[..., TransformersEngine]) -> Engine:
    """Any engine a method may run on."""
    return HashEngine(context=512) if request.param == "hash" else make_engine("llama")


@pytest.fixture(scope="session")
def llama(make_engine: Callable[..., TransformersEngine]) -> TransformersEngine:
    """A tiny random Llama."""
    return make_engine("llama")
