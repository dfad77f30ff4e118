import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binomtest, bootstrap
from sklearn.linear_model import LogisticRegression

from indexer import Vote, ratings, votes_needed
from indexer.arena import CENTRE, PRIOR, SCALE, disagreements, sign_test, strengths
from indexer.fuse import rbo, rrf
from indexer.metrics import bootstrap as ours

counts = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 30), min_size=n, max_size=n), min_size=n, max_size=n)
)


def table_of(rows):
    table = np.array(rows, float)
    np.fill_diagonal(table, 0)
    return table


@settings(max_examples=40)
@given(counts)
def test_strengths_are_the_maximum_of_the_likelihood(rows):
    table = table_of(rows)
    count = len(table)
    wins = table + PRIOR * (1 - np.eye(count)) / (count - 1)

    def lost(skill):
        return float((wins * np.log1p(np.exp(skill[None, :] - skill[:, None]))).sum())

    found = (strengths(table) - CENTRE) / SCALE
    best = minimize(lost, np.zeros(count), method="BFGS")
    assert lost(found) <= best.fun + 1e-6 and abs(found.mean()) < 1e-6


def test_strengths_are_those_of_a_logistic_regression():
    table = table_of([[0, 14, 9], [6, 0, 11], [2, 5, 0]])
    wins = table + PRIOR * (1 - np.eye(3)) / 2
    rows, won, weight = [], [], []
    for i, j in [(i, j) for i in range(3) for j in range(3) if i != j]:
        row = np.zeros(3)
        row[i], row[j] = 1, -1
        rows += [row, -row]
        won += [1, 0]
        weight += [wins[i, j] / 2] * 2
    fitted = LogisticRegression(fit_intercept=False, C=1e9, tol=1e-10, max_iter=1000).fit(rows, won, weight)
    expected = fitted.coef_[0] - fitted.coef_[0].mean()
    np.testing.assert_allclose((strengths(table) - CENTRE) / SCALE, expected, atol=1e-3)


@given(counts, st.randoms())
@settings(max_examples=30)
def test_the_order_of_methods_does_not_matter_and_nobody_is_infinite(rows, chance):
    table = table_of(rows)
    order = list(range(len(table)))
    chance.shuffle(order)
    shuffled = strengths(table[np.ix_(order, order)])
    np.testing.assert_allclose(shuffled, strengths(table)[order], atol=1e-3)
    assert np.isfinite(shuffled).all()


def test_a_method_that_always_wins_has_a_finite_rating_and_sides_do_not_matter():
    votes = [Vote("q", "a", "b", "left"), Vote("q", "b", "a", "right")] * 10
    swapped = [Vote("q", "b", "a", "right"), Vote("q", "a", "b", "left")] * 10
    assert [(r.method, r.value) for r in ratings(votes)] == [(r.method, r.value) for r in ratings(swapped)]
    best, worst = ratings(votes)
    assert best.method == "a" and best.low > worst.high and math.isfinite(best.value) and best.votes == 20


def test_ties_and_refusals_leave_two_methods_equal():
    found = ratings([Vote("q", "a", "b", "both"), Vote("q", "a", "b", "neither")] * 5)
    assert found[0].value == pytest.approx(found[1].value) == pytest.approx(CENTRE)


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_sign_test_is_scipys(won, count):
    won = min(won, count)
    assert sign_test(won, count) == pytest.approx(binomtest(won, count).pvalue)


@pytest.mark.parametrize(("share", "total"), [(1.0, 6), (0.75, 20), (0.6, 90)])
def test_so_many_votes_separate_two_methods(share, total):
    some = [Vote("q", "a", "b", "left")] * int(4 * share * 5) + [Vote("q", "a", "b", "right")] * round(20 * (1 - share))
    if share == 1.0:
        some = some[:2]
    needed = votes_needed(some, "a", "b")
    assert len(some) + needed == pytest.approx(total, rel=0.25)
    if needed:
        assert binomtest(math.floor(share * (len(some) + needed)), len(some) + needed).pvalue <= 0.05


def test_what_is_asked_next_is_what_methods_disagree_on_and_every_pair_has_its_turn():
    same, other = [1, 2, 3], [7, 8, 9]
    rankings = {"a": [same, same, same], "b": [same, other, [1, 2, 9]], "c": [same, other, same]}
    found = disagreements(rankings, ["all agree", "far apart", "near"])
    assert [row.query for row in found] == ["far apart", "near"]
    assert found[0].overlap == 0.0 and {found[1].one, found[1].other} == {"b", "c"}
    assert found[1].overlap == pytest.approx(rbo([1, 2, 9], same))


legs = st.dictionaries(st.integers(0, 12), st.integers(-40, 40).map(float), max_size=10)


@given(legs, legs)
def test_fused_ranks_are_the_sum_of_reciprocals(one, other):
    fused = rrf([one, other], [1.0, 1.0])
    for item, score in fused.items():
        places = [sorted(leg, key=lambda x: -leg[x]).index(item) + 1 for leg in (one, other) if item in leg]
        assert score == pytest.approx(sum(1 / (60 + place) for place in places))
    assert set(fused) == set(one) | set(other)


@given(legs, legs)
def test_reciprocal_rank_fusion_knows_no_sides_and_no_scale(one, other):
    scaled = {item: 3 * score + 5 for item, score in one.items()}
    assert rrf([one, other], [1, 1]) == pytest.approx(rrf([other, scaled], [1, 1]))


def test_the_interval_of_a_mean_is_scipys_percentile_bootstrap():
    values = np.random.default_rng(8).beta(2, 5, 120)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1))
    mine = ours(values.tolist())
    assert mine.value == pytest.approx(values.mean())
    assert mine.low == pytest.approx(theirs.confidence_interval.low, abs=0.006)
    assert mine.high == pytest.approx(theirs.confidence_interval.high, abs=0.006)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_holds_its_mean_and_stays_among_the_values(values):
    found = ours(values)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
