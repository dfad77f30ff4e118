"""Plain texts keep every character; their headings, paragraphs and code are found by their lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.loaders.structure import STRUCTURES, heading_text

MARKDOWN = """---
author: Shen
---
# Tea

Green and
black.

Setext
------
```py
# not a heading

x = 1
```
- leaf
"""

PIECES = ["# a", "===", "---", "```", "text", "", "  in", "第一章 茶", "\\section{x}", "* b", "def f():"]
LINES = st.lists(st.sampled_from(PIECES))


def found(kind: str, text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in STRUCTURES[kind](text)]


def test_markdown_headings_code_and_paragraphs():
    assert found("md", MARKDOWN)[-5:] == [
        ("heading", "# Tea"), ("paragraph", "Green and\nblack."), ("heading", "Setext\n------"),
        ("code", "```py\n# not a heading\n\nx = 1\n```"), ("paragraph", "- leaf"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", STRUCTURES)
@given(lines=LINES)
def test_blocks_hold_every_visible_character_once_and_in_order(kind, lines):
    text = "\n".join(lines)
    spans = [(block.start, block.end) for block in STRUCTURES[kind](text)]
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    inside = {index for start, end in spans for index in range(start, end)}
    assert {index for index, char in enumerate(text) if not char.isspace()} <= inside


def test_code_is_cut_before_what_begins_at_the_margin():
    text = "import os\n\n\ndef a():\n    x = 1\n\n    return x\n\n\nclass B:\n    pass\n"
    assert [body.split("\n")[0] for _, body in found("code", text)] == ["import os", "def a():", "class B:"]


def test_other_headings():
    assert found("rst", "Tea\n===\n\ntext\n") == [("heading", "Tea\n==="), ("paragraph", "text")]
    assert found("org", "* Tea\ntext")[0] == ("heading", "* Tea")
    assert found("tex", "\\section{Tea}\ntext")[0] == ("heading", "\\section{Tea}")
    assert found("txt", "第一章 总则\n第一条 本规定适用于茶。")[0] == ("heading", "第一章 总则")


@pytest.mark.parametrize(
    ("heading", "words"), [("## Tea {#tea}", "Tea"), ("Tea\n===", "Tea"), ("# C# notes", "C# notes")]
)
def test_a_heading_without_its_marks(heading, words):
    assert heading_text(heading) == words
