"""Chunks are spans of the document, cover it, fit their size, and keep to its structure."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.chunk import Chunk, cut
from indexer.load import Block, Loaded, Page
from indexer.loaders.structure import markdown

PIECES = st.sampled_from(
    [
        "word ",
        "Sentence one. ",
        "第一句话。",
        "，",
        "\n",
        "\n\n",
        "# Heading\n\n",
        "👩‍👩‍👧‍👦",
        "é",
        "e\u0301",
        "    code()\n",
        "x" * 40,
        "𠀀",
        " ",
        "\u3000",
    ]
)
TEXTS = st.lists(PIECES, max_size=120).map("".join)


def words(text: str) -> list[tuple[int, int]]:
    """A toy tokenizer: up to four letters, or one of anything else that is not blank."""
    return [match.span() for match in re.finditer(r"[a-z]{1,4}|[^\sa-z]", text)]


def byte_pairs(text: str) -> list[tuple[int, int]]:
    """A toy byte tokenizer: two bytes a token, so a character may have several and a token may straddle two."""
    owners = [index for index, char in enumerate(text) for _ in char.encode()]
    return [(owners[i], owners[min(i + 1, len(owners) - 1)] + 1) for i in range(0, len(owners), 2)]


def plain(text: str, *, pages: tuple[Page, ...] = ()) -> Loaded:
    return Loaded(text, pages or (Page("", 0, len(text)),), "md", blocks=tuple(markdown(text)))


def texts(loaded: Loaded, chunks: list[Chunk]) -> list[str]:
    return [loaded.text[chunk.start : chunk.end] for chunk in chunks]


@pytest.mark.parametrize("offsets", [words, byte_pairs])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS, size=st.integers(16, 60), share=st.floats(0, 0.5))
def test_every_visible_character_is_in_a_chunk_and_no_chunk_is_over_its_size(offsets, text, size, share):
    loaded = plain(text)
    chunks = cut(loaded, offsets, size=size, overlap=int(size * share))
    covered = {index for chunk in chunks for index in range(chunk.start, chunk.end)}
    assert {i for i, c in enumerate(text) if not c.isspace()} <= covered
    for chunk, body in zip(chunks, texts(loaded, chunks), strict=True):
        assert body == body.strip() != ""
        assert chunk.tokens == len(offsets(body)) <= size


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, size=st.integers(16, 60), share=st.floats(0, 0.5))
def test_chunks_go_forward_and_overlap_by_no_more_than_was_asked(text, size, share):
    overlap = int(size * share)
    chunks = cut(plain(text), words, size=size, overlap=overlap)
    for before, after in itertools.pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end
        assert len(words(text[after.start : before.end])) <= overlap


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_without_overlap_no_character_is_in_two_chunks(text):
    chunks = cut(plain(text), words, size=20, overlap=0)
    assert all(before.end <= after.start for before, after in itertools.pairwise(chunks))


def test_short_sections_share_a_chunk_and_long_ones_begin_their_own():
    short = plain("# One\n\nfew words\n\n# Two\n\nfew more words\n")
    assert len(cut(short, words, size=64, overlap=0)) == 1
    long = plain("# One\n\n" + "tea " * 40 + "\n\n# Two\n\n" + "star " * 25)
    assert [body.split()[1] for body in texts(long, cut(long, words, size=64, overlap=0))] == ["One", "Two"]


def test_a_heading_stays_with_the_text_below_it():
    loaded = plain("tea " * 30 + "\n\n# Stars\n\n" + "star " * 30)
    bodies = texts(loaded, cut(loaded, words, size=34, overlap=0))
    assert not any(body.endswith("# Stars") for body in bodies)


@pytest.mark.parametrize("text", ["One two three. " * 30, "今天天气很好。我们去看星星！好吗？" * 10])
def test_sentences_are_kept_whole_where_they_fit(text):
    loaded = plain(text)
    assert all(body[-1] in ".。！？" for body in texts(loaded, cut(loaded, words, size=40, overlap=0)))


def test_pages_are_not_mixed_unless_one_is_tiny():
    slides = ["tea " * 30, "thanks", "star " * 30]
    starts = [0, 120, 127]
    pages = tuple(Page(f"slide {n}", s, s + len(t)) for n, (s, t) in enumerate(zip(starts, slides, strict=True), 1))
    loaded = plain(f"{slides[0]}{slides[1]} {slides[2]}", pages=pages)
    assert [chunk.page for chunk in cut(loaded, words, size=64, overlap=0)] == ["slide 1", "slide 2–3"]


def test_a_joined_emoji_and_an_accent_are_not_taken_apart():
    family = "👩‍👩‍👧‍👦"
    loaded = plain((family + "e\u0301") * 30)
    for body in texts(loaded, cut(loaded, words, size=16, overlap=0)):
        assert body[0] not in "\u200d\u0301"
        assert not body.endswith("\u200d")


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "字" * 300_000, "\n".join(["x = 1"] * 150_000)], ids=["word", "zh", "lines"]
)
def test_a_text_without_any_structure_is_cut_in_linear_time(text):
    loaded = Loaded(text, (Page("", 0, len(text)),), "txt", blocks=(Block(0, len(text), "paragraph"),))
    began = time.process_time()
    words(text)
    tokenizing = time.process_time() - began
    chunks = cut(loaded, words, size=256, overlap=32)
    assert chunks[-1].end == len(text)
    assert time.process_time() - began < 10 * tokenizing + 2


def test_a_token_costlier_alone_than_in_its_text_still_fits():
    def dearer_at_the_start(text: str) -> list[tuple[int, int]]:
        spans = words(text)
        return [(0, 0)] * 3 + spans if spans else []  # a tokenizer that spends three more on any beginning

    chunks = cut(plain("tea " * 200), dearer_at_the_start, size=20, overlap=5)
    assert max(chunk.tokens for chunk in chunks) <= 20


@pytest.mark.parametrize(
    ("size", "overlap", "reason"), [(8, 0, "room for 16"), (32, 17, "half the size"), (32, -1, "half")]
)
def test_a_size_or_overlap_that_cannot_work_is_refused(size, overlap, reason):
    with pytest.raises(ValueError, match=reason):
        cut(plain("tea"), words, size=size, overlap=overlap)


def test_an_empty_text_has_no_chunks():
    assert cut(plain(" \n\n "), words, size=32, overlap=0) == []
