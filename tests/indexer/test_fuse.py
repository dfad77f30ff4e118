import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from indexer import FUSIONS
from indexer.fuse import best, interleave, jaccard, minmax, ranks, rbo, rrf, zscore

RANKING = st.lists(st.integers(0, 30), unique=True, max_size=15)
LEG = st.dictionaries(st.integers(0, 20), st.floats(-100, 100).map(lambda score: round(score, 3)), max_size=10)


def test_reciprocal_rank_fusion_of_a_known_case():
    fused = rrf([{1: 9.0, 2: 8.0}, {2: 0.5, 3: 0.4}], [1, 1])
    assert fused == pytest.approx({1: 1 / 61, 2: 1 / 62 + 1 / 61, 3: 1 / 62})


def test_standard_scores_of_a_known_case():
    assert zscore([{1: 1.0, 2: 3.0}], [2.0]) == pytest.approx({1: -2.0, 2: 2.0})


def test_a_lone_match_of_one_leg_counts():
    assert best(FUSIONS["zscore"]({7: 2.0}, {1: 0.5, 2: 0.49, 7: 0.48, 3: 0.1, 4: 0.1, 5: 0.1}), 1)[0][0] == 7


@given(LEG, LEG)
def test_every_candidate_has_a_finite_fused_score(words, dense):
    for fusion in FUSIONS.values():
        fused = fusion(words, dense)
        assert set(fused) == set(words) | set(dense)
        assert all(math.isfinite(score) for score in fused.values())


@given(LEG)
def test_mixing_one_leg_with_nothing_keeps_its_order(leg):
    for fuse in (zscore, minmax, rrf):
        fused = fuse([leg], [1.0])
        for a in leg:
            assert all(fused[a] >= fused[b] - 1e-9 for b in leg if leg[a] > leg[b])


@given(LEG, st.floats(0.1, 10), st.floats(-5, 5))
def test_mixing_does_not_see_the_unit_of_a_score(leg, scale, shift):
    assume(len(set(leg.values())) > 1)
    for fuse in (zscore, minmax):
        moved = {item: score * scale + shift for item, score in leg.items()}
        assert fuse([leg], [1.0]) == pytest.approx(fuse([moved], [1.0]), abs=1e-6)


def test_ranks_start_at_one():
    assert ranks({5: 0.1, 6: 0.9}) == {6: 1, 5: 2}


@pytest.mark.parametrize(
    ("left", "right", "p", "value"),
    [
        ([1, 2, 3], [1, 2, 3], 0.9, 1.0),
        ([1, 2], [3, 4], 0.9, 0.0),
        ([1], [2, 1], 0.5, 0.25),  # by hand: 0*.5 + 1/2*.25 ... with the tail of equation 32
        ([], [1], 0.9, 0.0),
        ([], [], 0.9, 1.0),
    ],
)
def test_rank_biased_overlap_of_known_cases(left, right, p, value):
    assert rbo(left, right, p) == pytest.approx(value)


def by_definition(left, right, p, depth=2000):
    """RBO of two rankings continued without end: agreement at every depth beyond the known is the last one known."""
    total = 0.0
    for d in range(1, depth + 1):
        known = min(d, len(left))
        total += p ** (d - 1) * len(set(left[:known]) & set(right[:known])) / known
    return (1 - p) * total


@given(RANKING, RANKING)
def test_rank_biased_overlap_equals_its_definition_for_equal_lengths(left, right):
    size = min(len(left), len(right))
    assume(size > 0)
    left, right = left[:size], right[:size]
    assert rbo(left, right) == pytest.approx(by_definition(left, right, 0.9), abs=1e-6)


@given(RANKING, RANKING, st.floats(0.1, 0.98))
def test_overlaps_are_symmetric_and_between_zero_and_one(left, right, p):
    assert -1e-9 <= rbo(left, right, p) <= 1 + 1e-9
    assert rbo(left, right, p) == pytest.approx(rbo(right, left, p))
    assert 0 <= jaccard(left, right) == jaccard(right, left) <= 1
    assert rbo(left, left, p) == pytest.approx(1.0)


def test_p_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        rbo([1], [1], 1.0)


@given(RANKING, RANKING, st.integers(0, 99))
def test_interleaving_drafts_fairly_and_repeats_nothing(left, right, seed):
    drawn = interleave(left, right, 8, seed)
    assert len(set(drawn.items)) == len(drawn.items) == min(8, len({*left, *right}))
    for item, team in zip(drawn.items, drawn.teams, strict=True):
        assert item in (left if team == "left" else right)
    if len(set(left) & set(right)) == 0 and min(len(left), len(right)) >= 4:
        assert drawn.teams.count("left") == drawn.teams.count("right") == 4


def test_the_team_whose_picks_were_chosen_wins():
    drawn = interleave([1, 2, 3], [4, 5, 6], 6, seed=1)
    assert drawn.winner({1, 2}) == "left" and drawn.winner({4}) == "right" and drawn.winner({1, 4}) == "tie"


def extrapolated(short, long, p, depth=2000):
    """The sum of equation 32 written out: what the shorter ranking lacks is taken to agree as its known part does."""
    s, n, total = len(short), len(long), 0.0
    both = [len(set(short[:d]) & set(long[:d])) for d in range(1, n + 1)]
    for d in range(1, depth + 1):
        if d <= s:
            agreement = both[d - 1] / d
        elif d <= n:
            agreement = (both[d - 1] + both[s - 1] * (d - s) / s) / d
        else:
            agreement = (both[n - 1] - both[s - 1]) / n + both[s - 1] / s
        total += p ** (d - 1) * agreement
    return (1 - p) * total


@given(RANKING, RANKING, st.floats(0.2, 0.95))
def test_rank_biased_overlap_of_uneven_lengths_is_the_extrapolated_sum(left, right, p):
    short, long = sorted((left, right), key=len)
    assume(short)
    assert rbo(left, right, p) == pytest.approx(extrapolated(short, long, p), abs=1e-6)
