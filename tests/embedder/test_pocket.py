"""The bundled model: a standard folder, small, whose vectors find passages in two languages."""

import json
from functools import cache

import numpy as np
import pytest
import torch
import transformers

from embedder import Embedder, open_embedder, read_card
from embedder.engine import POCKET

ASKED = {
    "how do I keep a sourdough starter alive?": "Feed the sourdough starter with flour and water every day.",
    "怎样修剪玫瑰": "冬末剪去玫瑰的枯枝，留下向外生长的芽。",
    "what are the rings of Saturn made of": "Saturn is surrounded by bright rings of ice and rock.",
    "python read a text file": "def load(path):\n    with open(path) as file:\n        return file.read()",
}
TRANSLATED = {
    "什么是癌症？": "What is cancer?",
    "数据库备份": "Backing up a database",
    "他正在喝茶。": "He is drinking tea.",
    "星期天我们去公园。": "We go to the park on Sunday.",
}


@cache
def pocket() -> Embedder:
    return open_embedder()


def test_it_fits_in_sixty_megabytes_and_in_plain_transformers() -> None:
    assert sum(f.stat().st_size for f in POCKET.iterdir()) < 60e6
    model = transformers.AutoModelForCausalLM.from_pretrained(POCKET)
    body = sum(p.numel() for p in model.model.layers.parameters())
    assert 5e6 < body < 12e6 and model.config.max_position_embeddings >= 1024


def test_its_card_names_a_method_and_says_that_it_quotes() -> None:
    card = read_card()
    assert card.method == "pocket" and not card.writes and card.dimensions == (512, 256, 128, 64)
    assert not pocket().untrained


@pytest.mark.parametrize("pairs", [ASKED, TRANSLATED], ids=["same language", "across languages"])
@pytest.mark.parametrize("width", [512, 128])
def test_a_question_is_nearest_to_its_own_passage(pairs: dict[str, str], width: int) -> None:
    queries, documents = pocket().queries(list(pairs)), pocket().documents(list(pairs.values()))
    cut = documents[:, :width] / np.linalg.norm(documents[:, :width], axis=1, keepdims=True)
    assert (queries[:, :width] @ cut.T).argmax(1).tolist() == list(range(len(pairs)))


def test_an_instruction_changes_queries_and_no_document() -> None:
    text = ["rings of Saturn"]
    assert not np.allclose(pocket().queries(text, instruction="Find the recipe"), pocket().queries(text), atol=1e-6)
    assert np.allclose(pocket().documents(text), pocket().documents(text))


def test_a_vector_does_not_depend_on_its_company() -> None:
    texts = [*ASKED, *ASKED.values(), "word " * 400, "漢" * 300, "😀", "a"]
    together = pocket().documents(texts)
    alone = np.concatenate([pocket().documents([t]) for t in texts])
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("word", ["tea", "garden", "history", "telescope", "government", "microbiology"])
def test_a_capital_letter_changes_no_boundary(word: str) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(POCKET)
    plain, titled = (tokenizer.tokenize(f" {w}") for w in (word, word.capitalize()))
    assert [p.lower() for p in plain] == [t.lower() for t in titled]


def test_no_token_mixes_scripts_or_joins_digits() -> None:
    vocabulary = transformers.AutoTokenizer.from_pretrained(POCKET).backend_tokenizer
    for i in range(vocabulary.get_vocab_size()):
        text = vocabulary.decode([i])
        han = any("\u4e00" <= c <= "\u9fff" for c in text)
        assert not (han and any(c.isascii() and c.isalpha() for c in text)), text
        assert sum(c.isdigit() for c in text) <= 1, text


def test_text_returns_from_its_tokens() -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(POCKET)
    text = "Café 2026: 你好，世界！ <|im_end|> 😀\n\tdef f(x): return x"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)) == text


def test_weights_are_bfloat16_and_embeddings_tied() -> None:
    config = json.loads((POCKET / "config.json").read_text("utf-8"))
    assert config["tie_word_embeddings"] and torch.bfloat16 == getattr(torch, config["dtype"])


def test_the_first_id_of_a_vocabulary_is_an_id_like_any_other():
    assert pocket().engine.special("endoftext") == [0]
