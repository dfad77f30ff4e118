import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import bootstrap, paired
from indexer.metrics import mrr, ndcg, recall, spearman

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=40)
MANY = st.lists(st.integers(0, 5), min_size=3, max_size=30)


def test_measures_of_known_rankings():
    judged = {"a": 2, "b": 1, "c": 0}
    assert ndcg(["a", "b", "c"], judged) == 1.0
    assert ndcg(["c", "b", "a"], judged) == pytest.approx((1 / np.log2(3) + 2 / 2) / (2 + 1 / np.log2(3)))
    assert recall(["c", "a"], judged) == 0.5 and mrr(["c", "a"], judged) == 0.5
    assert ndcg([], judged) == recall([], judged) == mrr(["c"], judged) == 0.0


@given(st.permutations("abcdefgh"), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1))
def test_ndcg_agrees_with_scikit_learn(ranking, judged):
    from sklearn.metrics import ndcg_score

    relevance = np.array([[judged.get(item, 0) for item in "abcdefgh"]])
    scores = np.array([[-ranking.index(item) for item in "abcdefgh"]])
    assert ndcg(ranking, judged) == pytest.approx(ndcg_score(relevance, scores, k=10))


@given(MANY)
def test_spearman_agrees_with_scipy(left):
    from scipy.stats import spearmanr

    right = [value % 3 for value in left]
    if len(set(left)) > 1 and len(set(right)) > 1:
        assert spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


@given(VALUES)
def test_the_mean_lies_in_its_interval(values):
    interval = bootstrap(values)
    assert interval.low - 1e-9 <= interval.value <= interval.high + 1e-9
    assert interval == bootstrap(values)


def test_an_interval_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    interval = bootstrap(values.tolist())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.1 / 20, rel=0.15)


def test_a_clear_difference_is_significant_and_none_is_not():
    chance = np.random.default_rng(2)
    base = chance.random(200)
    assert paired((base + 0.1).tolist(), base.tolist()).p < 0.01
    noise = base + chance.normal(0, 0.1, 200)
    assert paired(noise.tolist(), base.tolist()).p > 0.05
    assert paired(base.tolist(), base.tolist()).p == 1.0


def test_different_queries_are_refused():
    with pytest.raises(ValueError, match="the same queries"):
        paired([1.0], [1.0, 2.0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_intervals_and_p_values_agree_with_scipy(seed):
    from scipy import stats

    chance = np.random.default_rng(seed)
    left = np.round(chance.beta(2, 1, 60), 2)
    right = np.clip(left - chance.normal(0.03, 0.1, 60), 0, 1)
    theirs = stats.bootstrap((left,), np.mean, n_resamples=5000, method="percentile", rng=chance).confidence_interval
    ours = bootstrap(left.tolist())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.008)
    test = stats.permutation_test(
        (left, right), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=5000, rng=chance
    )
    found = paired(left.tolist(), right.tolist())
    assert found.value == pytest.approx(test.statistic) and found.p == pytest.approx(test.pvalue, abs=0.04)
    assert found.better + found.worse <= 60


@given(VALUES, st.floats(-0.5, 0.5))
def test_a_shift_moves_the_difference_and_its_interval_alike(values, shift):
    found = paired([value + shift for value in values], values)
    assert found.value == pytest.approx(shift, abs=1e-9) and found.low <= found.value + 1e-9
    assert found.high >= found.value - 1e-9
