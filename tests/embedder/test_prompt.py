"""Properties of every row: what is pooled, what is cut, and that a text stays a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder import METHODS, HashEngine, Method, build, room
from embedder.prompt import layout
from embedder.transformers_engine import TransformersEngine
from tests.embedder.conftest import ODD_TEXTS

SIDES = ("query", "document")
every_row = pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
every_side = pytest.mark.parametrize("side", SIDES)
LONG = "The quick brown fox jumps over 13 lazy dogs 🙂 near the bank. " * 40


@every_row
@every_side
def test_weights_sum_to_one_and_stand_beside_ids(method, side, engine):
    prompt = build(method, side, "The cat sat on the mat.", engine)
    assert len(prompt.ids) == len(prompt.weights)
    assert sum(prompt.weights) == pytest.approx(1)
    assert prompt.cut == 0


@every_row
@every_side
def test_a_text_full_of_markers_changes_nothing_outside_its_span(method, side, engine):
    plain, _ = layout(method, side, "x", engine)
    frame = [(token.id, token.part) for token in plain if token.part not in ("text", "template", "instruction")]
    for text in ODD_TEXTS.values():
        tokens, cut = layout(method, side, text, engine)
        assert [
            (token.id, token.part) for token in tokens if token.part not in ("text", "template", "instruction")
        ] == frame
        assert cut == 0


@every_row
@every_side
def test_a_text_never_becomes_a_special_token(method, side, llama):
    specials = {llama.special(role)[0] for role in ("bos", "eos", "boq", "eoq", "bod", "eod", "user", "end_user")}
    for text in (ODD_TEXTS["markers"], ODD_TEXTS["special"]):
        tokens, _ = layout(method, side, text, llama)
        assert not specials & {token.id for token in tokens if token.part == "text"}


@every_row
@every_side
def test_the_pooled_tokens_read_as_the_text(method, side, llama):
    text = "Vectors of 猫 and 🙂"
    prompt = build(method, side, text, llama)
    pooled = llama.decode([token for token, weight in zip(prompt.ids, prompt.weights, strict=True) if weight])
    if method.pool == "last":
        assert pooled == llama.decode(prompt.ids[-1:])
    else:
        assert text in pooled
        assert len(pooled) <= len(text) + len(" </s>") + 8


@every_row
@every_side
def test_a_text_over_the_limit_keeps_its_closing_token(method, side, llama):
    short, long = build(method, side, "a", llama), build(method, side, LONG, llama, limit=250)
    assert len(long) <= 250
    assert long.cut > 0
    if method.pieces(side)[-1].kind != "field":  # a template that goes on after the text
        assert long.ids[-1] == short.ids[-1]


@every_row
@every_side
def test_a_cut_text_fills_the_limit_and_splits_no_character(method, side, llama):
    tokens, cut = layout(method, side, "🙂猫" * 300, llama, limit=250)
    text = llama.decode([token.id for token in tokens if token.part == "text"])
    assert "\ufffd" not in text
    copies = sum(piece.value == "text" for piece in method.pieces(side))
    assert 250 - len(tokens) < 6 * copies
    assert cut == 600 - len(text.strip()) // copies


@every_row
@every_side
@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u3000"])
def test_an_empty_text_is_refused(method, side, text, engine):
    with pytest.raises(ValueError, match="empty text"):
        build(method, side, text, engine)


@every_row
@every_side
def test_a_text_that_fills_the_room_is_not_cut(method, side, llama):
    words = "The dog slept beside it; def add(a, b): 7 向量 🙂 "
    for shift in range(8):
        text = llama.shorten(words[shift:] * 20, room(method, side, llama, limit=250))
        assert build(method, side, text, llama, limit=250).cut == 0


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.wants_instruction])
def test_an_instruction_that_leaves_no_room_for_text_is_said(name, llama):
    with pytest.raises(ValueError, match="no room for text"):
        build(METHODS[name], "query", "word " * 500, llama, instruction="very long " * 300)


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=80).filter(str.strip), row=st.sampled_from(sorted(METHODS)))
def test_any_text_gives_a_prompt_within_the_limit(llama, text, row):
    tokens, cut = layout(METHODS[row], "document", text, llama, limit=128)
    assert len(tokens) <= 128
    assert 0 <= cut < len(text)
    assert any(token.pooled for token in tokens)


def test_a_very_long_text_costs_no_more_than_what_fits():
    class Counting(HashEngine):
        read = 0

        def shorten(self, text: str, tokens: int) -> str:
            return super().shorten(text[: 20 * tokens], tokens)

        def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
            self.read += len(text)
            return super().tokens(text)

    engine = Counting(context=64)
    build(METHODS["echo"], "document", "word " * 1_000_000, engine)
    assert engine.read < 20_000


def test_the_instruction_of_a_row_is_used_unless_another_is_given(llama):
    row = METHODS["e5-instruct"]
    default, own = build(row, "query", "x", llama), build(row, "query", "x", llama, instruction=row.instruction)
    assert default == own
    assert build(row, "query", "x", llama, instruction="Find code").ids != default.ids


def test_the_two_sides_of_a_seam_are_tokenised_apart(llama: TransformersEngine):
    together = Method("a", "", "", "add{text}", "add{text}", "mean")
    apart = Method("b", "", "", "add{|}{text}", "add{|}{text}", "mean")
    assert build(apart, "query", "(a", llama).ids == (*llama.encode("add"), *llama.encode("(a"))
    assert build(together, "query", "(a", llama).ids == tuple(llama.encode("add(a"))


def test_position_weights_rise_over_the_pooled_tokens():
    prompt = build(METHODS["sgpt"], "document", "one two three", HashEngine())
    assert prompt.weights == pytest.approx((1 / 6, 2 / 6, 3 / 6))
