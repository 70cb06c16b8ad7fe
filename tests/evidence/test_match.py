import math

import numpy as np
import pytest

from orchestrator.evidence.inference import estimate
from orchestrator.evidence.match import Curve, NotComparable, Sample, through_curve, with_curve
from tests.evidence.studies import CURVE, SEEDS, curve, noise


def sample(name: str, values: np.ndarray, l0: np.ndarray) -> Sample:
    return Sample(name, SEEDS, values, l0)


def on_curve(number: int, l0: float, effect: float = 0.0) -> Sample:
    """A condition whose L0 varies over seeds, and which stays on the (cubic) curve but for `effect`."""
    places = l0 * np.exp(noise(number, 0.02))
    return sample(f"c{number}", np.array([curve(x) for x in places]) + effect, places)


def noisy(number: int, l0: float, effect: float = 0.0) -> Sample:
    return sample(f"c{number}", curve(l0) + effect + noise(number), np.full(5, l0))


POINTS = [noisy(n, l0) for n, l0 in enumerate(CURVE)]


@pytest.mark.parametrize("l0", [30.0, 31.0, 47.0, 52.0, 74.0])
def test_the_difference_is_taken_at_the_arms_own_place(l0: float):
    contrast = with_curve(noisy(50, l0, effect=0.01), Curve(POINTS))
    assert contrast.weights.sum() == pytest.approx(0)
    assert estimate(contrast.values_cn, contrast.weights).difference == pytest.approx(0.01, abs=1e-6)
    assert contrast.slack == 0


def test_movement_along_the_curve_is_no_noise():
    points = [on_curve(n, l0) for n, l0 in enumerate(CURVE)]
    contrast = with_curve(on_curve(50, 47.0, effect=0.01), Curve(points))
    found = estimate(contrast.values_cn, contrast.weights)
    raw = on_curve(50, 47.0).values.std(ddof=1)
    assert found.error < raw / 50
    assert found.difference == pytest.approx(0.01, abs=1e-4)


def test_noise_in_the_matched_metric_alone_is_noise_in_the_difference():
    arm = sample("arm", np.full(5, curve(47.0)), 47.0 * np.exp(noise(50, 0.05)))
    points = [sample(f"c{n}", np.full(5, curve(l0)), np.full(5, l0)) for n, l0 in enumerate(CURVE)]
    contrast = with_curve(arm, Curve(points))
    slope = 0.2 - 0.04 * math.log(47.0)
    own = (contrast.weights @ contrast.values_cn).std(ddof=1)
    assert own == pytest.approx(slope * 0.05, rel=0.02)


def test_nothing_is_extrapolated_or_bridged():
    for l0 in (29.0, 76.0):
        with pytest.raises(NotComparable, match=r"outside the curve's 30 to 75, and nothing is extrapolated"):
            with_curve(noisy(50, l0), Curve(POINTS))
    gap = [one for one in POINTS if not 42 < one.matched[0] < 44] + [noisy(60, 80.0)]
    with pytest.raises(NotComparable, match=r"1\.44x apart, over 1\.3x"):
        with_curve(noisy(50, 45.0), Curve(gap))
    assert with_curve(noisy(50, 57.0), Curve(gap)).slack == 0
    with pytest.raises(NotComparable, match="curve of 5 points, and there are 4"):
        Curve(POINTS[:4])


def test_a_place_without_a_logarithm_is_not_comparable():
    with pytest.raises(NotComparable, match="no positive value of the matched metric"):
        with_curve(sample("arm", noise(50), np.array([0.0, 1, 1, 1, 1])), Curve(POINTS))
    with pytest.raises(NotComparable, match="no positive value"):
        with_curve(Sample("arm", SEEDS, noise(50)), Curve(POINTS))


def test_a_kink_in_the_curve_widens_the_interval_near_it():
    bent = [*POINTS[:2], sample("bent", POINTS[2].values + 0.05, POINTS[2].matched), *POINTS[3:]]
    assert with_curve(noisy(50, 45.0), Curve(bent)).slack > 0.02
    assert with_curve(noisy(50, 45.0), Curve(POINTS)).slack == 0


def test_two_arms_within_3_percent_are_corrected_for_the_rest():
    contrast = through_curve(noisy(50, 47.0, 0.01), noisy(51, 48.0), Curve(POINTS))
    found = estimate(contrast.values_cn, contrast.weights, contrast.slack)
    assert found.difference == pytest.approx(0.01, abs=1e-6)
    assert (found.slack, contrast.caution) == (0, "")
    # the curve's noise nearly cancels: what remains is that of two means
    assert float(contrast.weights @ contrast.weights) == pytest.approx(2, abs=0.05)


def test_two_arms_further_apart_pay_half_of_the_curves_change():
    contrast = through_curve(noisy(50, 46.0, 0.01), noisy(51, 52.9), Curve(POINTS))
    assert contrast.slack == pytest.approx(abs(curve(52.9) - curve(46.0)) / 2, rel=1e-3)
    assert "1.15x apart" in contrast.caution
    with pytest.raises(NotComparable, match=r"1\.40x apart, over 1\.3x"):
        through_curve(noisy(50, 40.0), noisy(51, 56.0), Curve(POINTS))


def test_a_point_of_the_curve_can_be_the_other_side():
    contrast = through_curve(noisy(50, 52.0, 0.01), POINTS[3], Curve(POINTS))
    assert len(contrast.values_cn) == len(CURVE) + 1
    assert estimate(contrast.values_cn, contrast.weights).difference == pytest.approx(0.01, abs=1e-6)
