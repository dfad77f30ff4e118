"""Plain texts keep every character; their headings, paragraphs and code are found by their lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.loaders.document import Limits
from indexer.loaders.structure import STRUCTURES, heading_text
from indexer.loaders.table import Job
from indexer.loaders.text import read

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


FRONTS = [
    ("---\ntitle: 茶叶的保存\nsummary: 防潮\n---\n# 保存\n\n放在罐里。\n", "茶叶的保存"),
    ("---\n# who\nTitle: 'It''s tea'\n...\ntext\n", "It's tea"),
    ("---\ntitle: >-\n  Green\n  and black\n---\n", "Green and black"),
    ("---\ntitle: Tea: a guide\n---\n# Another\n", "Tea: a guide"),  # no YAML, and found in many a file
    ('+++\ntitle = "Tea"\n+++\n\ntext\n', "Tea"),
    ("---\ntitle: 2024\n---\ntext\n", "2024"),
    ("---\nauthor: Shen\n---\n# Tea\n", "Tea"),
    ("---\ntitle: {{ name }}\n---\n# Tea\n", "Tea"),
    ("---\ntitle: [a\n---\n", ""),
    ("---\na: " + "[" * 9000 + "\ntitle: Deep\n---\n", "Deep"),
    ("---\nA line between rulers.\n---\n", "A line between rulers."),
    ("---\ntitle: never closed\n\n# Tea\n", "Tea"),
    ("# Text\n\n---\ntitle: later\n---\n", "Text"),
]


@pytest.mark.parametrize(("text", "title"), FRONTS)
def test_the_settings_of_a_markdown_file_give_its_title_and_stay_in_its_text(text, title):
    loaded = read(text.encode(), Job("tea.md", Limits()))
    assert (loaded.title, loaded.text) == (title, text)
    inside = {index for block in loaded.blocks for index in range(block.start, block.end)}
    assert {index for index, char in enumerate(text) if not char.isspace()} <= inside


def test_settings_are_one_block_and_what_follows_keeps_its_place():
    text = FRONTS[0][0]
    loaded = read(text.encode(), Job("tea.md", Limits()))
    assert [(block.kind, text[block.start : block.end]) for block in loaded.blocks] == [
        ("paragraph", "---\ntitle: 茶叶的保存\nsummary: 防潮\n---"), ("heading", "# 保存"), ("paragraph", "放在罐里。"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "title"),
    [("## 定义\n\na\n\n## 构造\n\nb\n", ""), ("## Tea\n\n### Green\n\n### Black\n", "Tea"), ("# A\n\n# B\n", "A")],
)
def test_a_section_among_others_is_no_title(text, title):
    assert read(text.encode(), Job("a.md", Limits())).title == title
