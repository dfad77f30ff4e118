"""Text to ids: specials only where the template says, cuts at characters, the traps of published tokenizers."""

import json

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from embedder import METHODS, Message, build
from embedder.tokens import Tokens
from tests import tiny
from tests.embedder.conftest import ODD_TEXTS
from tests.embedder.test_golden_ids import Recorded, golden


def with_beginning(tokenizer):
    """The tokenizer adding <s> by itself, as Llama's does."""
    rule = TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    tokenizer.backend_tokenizer.post_processor = rule
    return tokenizer


def test_sentencepiece_begins_every_piece_with_its_own_space():
    engine = Recorded(golden("llama-2")["said"])
    prompt = build(METHODS["echo"], "document", "猫坐在垫子上。", engine)
    space, copy = 29871, engine.encode("猫坐在垫子上。")
    assert copy[0] == space
    assert list(prompt.ids[-len(copy) :]) == copy
    assert next(i for i, weight in enumerate(prompt.weights) if weight) == len(prompt) - len(copy)


def test_a_merge_across_the_template_boundary_belongs_to_the_text():
    engine = Recorded(golden("gpt-2")["said"])
    prompt = build(METHODS["pocket"], "query", "A cat sat.", engine)
    count = len(engine.encode("A cat sat."))
    pooled = [token for token, weight in zip(prompt.ids, prompt.weights, strict=True) if weight]
    assert len(pooled) == count
    assert pooled[0] != engine.encode("A cat sat.")[0], "it is the token with the space before it"


def test_a_beginning_token_is_never_doubled():
    tokens = Tokens(with_beginning(tiny.make_tokenizer()), name="m")
    assert tokens.special("bos") == [1]
    assert 1 not in tokens.encode("<s> text")
    for name in ("echo", "llm2vec", "e5-instruct"):
        ids = build(METHODS[name], "query", "text", wrap(tokens)).ids
        assert ids[0] == 1 and ids.count(1) == 1
    assert tokens.conversation([Message("user", "text")]).count(1) == 1


def test_add_eos_token_in_the_configuration_cannot_lose_or_double_the_end(tmp_path):
    with_beginning(tiny.make_tokenizer()).save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    for flags in ({"add_eos_token": True}, {"add_eos_token": True, "add_bos_token": True}, {}):
        file.write_text(json.dumps(json.loads(file.read_text()) | flags))
        tokens = Tokens(AutoTokenizer.from_pretrained(tmp_path), name="m")
        ids = build(METHODS["e5-instruct"], "document", "text", wrap(tokens)).ids
        assert ids[0] == 1 and ids[-1] == 2
        assert ids.count(2) == 1


def test_an_end_token_the_tokenizer_adds_itself_goes_before_the_configured_one():
    tokenizer = tiny.make_tokenizer()
    rule = TemplateProcessing(single="$A <|im_end|>", pair="$A $B", special_tokens=[("<|im_end|>", 4)])
    tokenizer.backend_tokenizer.post_processor = rule
    assert Tokens(tokenizer, name="m").special("eos") == [4]


def test_a_beginning_token_lost_by_the_configuration_is_put_back_except_for_bloom():
    assert Tokens(tiny.make_tokenizer(), name="m").special("bos") == [1]
    assert Tokens(tiny.make_tokenizer(), name="m", kind="bloom").special("bos") == []


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_offsets_are_in_order_and_cover_the_text(text):
    ids, spans = Tokens(tiny.make_tokenizer(), name="m").tokens(text)
    assert len(ids) == len(spans)
    assert [a for a, _ in spans] == sorted(a for a, _ in spans)  # tokens may share a character
    assert {i for a, b in spans for i in range(a, b)} == set(range(len(text)))


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_a_shortened_text_is_the_longest_prefix_that_fits(text):
    tokens = Tokens(tiny.make_tokenizer(), name="m")
    whole = len(tokens.encode(text))
    assert tokens.shorten(text, whole) == text
    for count in range(whole):
        prefix = tokens.shorten(text, count)
        assert text.startswith(prefix)
        assert len(tokens.encode(prefix)) <= count < len(tokens.encode(text[: len(prefix) + 1])) + 4


def test_plain_text_survives_a_round_trip():
    tokens = Tokens(tiny.make_tokenizer(), name="m")
    for name, text in ODD_TEXTS.items():
        if name != "surrogate":
            assert tokens.decode(tokens.encode(text)) == text


def test_a_role_the_model_lacks_is_named():
    tokens = Tokens(tiny.make_tokenizer(chat=False), name="m", size=5)
    with pytest.raises(ValueError, match=r"m has no token \[BOQ\]"):
        tokens.special("boq")
    with pytest.raises(ValueError, match="m has no chat template"):
        tokens.special("user")
    with pytest.raises(ValueError, match="no role called 'king'; roles: bos, eos"):
        tokens.special("king")


def test_a_tokenizer_without_an_end_token_says_so():
    tokenizer = tiny.make_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="m has no end token"):
        Tokens(tokenizer, name="m").special("eos")


class Framed:
    """Tokens with the two attributes a prompt needs beside them."""

    def __init__(self, tokens):
        self.name, self.context, self._tokens = "m", 512, tokens

    def __getattr__(self, name):
        return getattr(self._tokens, name)


def wrap(tokens):
    return Framed(tokens)
