"""The pages that put methods side by side, driven without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from app.house import House
from tests.app.test_pages import drawn, opened


@pytest.fixture
def two(house: House) -> Iterator[House]:
    """The library with vectors of a second method."""
    for _ in house.collection.add_space(house.embedder("last")):
        pass
    yield house
    house.collection.drop_space(next(space.id for space in house.collection.spaces() if not space.default))


def test_compare_ties_the_same_passages_together(two: House) -> None:
    at = opened("compare", query="lighthouse lamp")
    assert list(at.multiselect(key="columns").value) == ["mean", "last", "words"]
    body = drawn(at)
    assert body.count('<div class="tf-head">') == 3 and "Words (BM25)" in body
    assert "<i>A</i><b>#1</b>" in body and "Jaccard@8" in body
    assert any("--tf-tie: #2f7fd0" in one.proto.body for one in at.get("html"))
    assert len(at.get("vega_lite_chart")) == 1
    assert "▲" in body or "▼" in body or "=" in body
