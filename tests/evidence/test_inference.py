import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.weightstats import ttost_paired

from orchestrator.evidence import inference

RNG = np.random.default_rng(5)
TWO = RNG.normal(size=(2, 6)) + np.array([[0.0], [0.8]])
# a comparison whose own variance is below the pooled one
SEVEN = np.random.default_rng(8).normal(size=(7, 5)) + np.arange(5)
HALVES = np.array([1.0, -0.5, -0.5, 0, 0, 0, 0])


def test_two_conditions_are_a_paired_t_test():
    found = inference.estimate(TWO, np.array([1.0, -1.0]))
    expected = stats.ttest_rel(TWO[0], TWO[1])
    interval = expected.confidence_interval(0.95)
    assert found.freedom == 5
    assert inference.p_of_difference(found) == pytest.approx(expected.pvalue)
    assert inference.half_width(found, 0.05) == pytest.approx((interval.high - interval.low) / 2)


def test_equivalence_is_two_one_sided_t_tests():
    found = inference.estimate(TWO, np.array([1.0, -1.0]))
    for margin in (0.5, 2.0, 5.0):
        expected = ttost_paired(TWO[0], TWO[1], -margin, margin)[0]
        assert inference.p_of_equivalence(found, margin) == pytest.approx(expected)


def test_pooled_noise_is_that_of_conditions_and_seeds_as_additive_effects():
    frame = pd.DataFrame(
        [(f"c{c}", f"s{s}", SEVEN[c, s]) for c in range(7) for s in range(5)], columns=["condition", "seed", "y"]
    )
    fit = ols("y ~ 0 + condition + seed", frame).fit()
    expected = fit.t_test(np.append(HALVES, np.zeros(4)))
    found = inference.estimate(SEVEN, HALVES)
    assert (found.pooled, found.freedom) == (True, fit.df_resid)
    assert found.difference == pytest.approx(expected.effect.item())
    assert found.error == pytest.approx(expected.sd.item())
    assert inference.p_of_difference(found) == pytest.approx(float(expected.pvalue))


def test_a_larger_variance_of_its_own_is_used_and_a_much_larger_one_has_its_own_degrees_of_freedom():
    sums = (HALVES @ SEVEN).std(ddof=1) / 5**0.5
    wide = SEVEN.copy()
    wide[0] += 8 * np.array([1, -1, 0, 1, -1])
    found = inference.estimate(wide, HALVES)
    assert inference.estimate(SEVEN, HALVES).error > sums
    assert (found.pooled, found.freedom) == (False, 4)
    assert found.error == pytest.approx((HALVES @ wide).std(ddof=1) / 5**0.5)


def test_slack_widens_the_interval_and_never_makes_a_difference():
    plain = inference.estimate(SEVEN, HALVES)
    slack = inference.estimate(SEVEN, HALVES, slack=0.3)
    assert inference.half_width(slack, 0.05) == pytest.approx(inference.half_width(plain, 0.05) + 0.3)
    assert inference.p_of_difference(slack) > inference.p_of_difference(plain)
    assert inference.p_of_difference(inference.estimate(SEVEN, HALVES, slack=50.0)) == 1
    assert inference.p_of_equivalence(slack, 2.0) > inference.p_of_equivalence(plain, 2.0)


def test_holm():
    assert inference.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert inference.holm([0.6, 1.0]) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(("freedom", "alpha"), [(2, 0.0133), (28, 0.01), (500, 0.05)])
def test_the_detectable_difference_is_found_in_four_of_five_studies(freedom: int, alpha: float):
    effect = inference.noncentrality(freedom, alpha)
    power = stats.nct.sf(stats.t.isf(alpha / 2, freedom), freedom, effect)
    assert power == pytest.approx(0.8, abs=1e-4)


def test_dunnett_repeats_and_corrects():
    arms, control = [SEVEN[0], SEVEN[1], SEVEN[2] + 3], SEVEN[3]
    p_values, intervals = inference.dunnett(arms, control, 0.05)
    assert inference.dunnett(arms, control, 0.05) == (p_values, intervals)
    assert [p < 0.05 for p in p_values] == [low > 0 or high < 0 for low, high in intervals]
    assert all(p >= stats.ttest_ind(arm, control).pvalue for p, arm in zip(p_values, arms, strict=True) if p > 0.1)
