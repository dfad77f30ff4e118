"""Order by the likelihood of the question."""

from __future__ import annotations

import pytest

from app.rerank import READ, rerank
from tests.app.given import BREAD, LIGHTHOUSE, Script, hit

WRITER = Script("")


def test_the_likelier_passage_moves_up_and_both_ranks_are_shown() -> None:
    moved = rerank("rye bread starter", [hit(LIGHTHOUSE, 1), hit(BREAD, 2)], WRITER, share=1.0)
    assert [one.text for one in moved] == [BREAD, LIGHTHOUSE]
    assert moved[0].rank == 1 and moved[0].legs["retrieved"].rank == 2 and moved[0].legs["likelihood"].rank == 1
    assert {"dense", "words"} <= set(moved[0].legs)


def test_without_a_share_the_order_stays() -> None:
    hits = [hit(LIGHTHOUSE, 1), hit(BREAD, 2)]
    assert [one.text for one in rerank("rye bread", hits, WRITER, share=0.0)] == [LIGHTHOUSE, BREAD]


def test_hits_beyond_those_read_follow_as_they_were() -> None:
    hits = [hit(f"{LIGHTHOUSE} {rank}", rank) for rank in range(1, READ + 4)]
    assert rerank("lighthouse", hits, WRITER)[READ:] == hits[READ:]


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1; got 2"):
        rerank("x", [hit(BREAD)], WRITER, share=2)
