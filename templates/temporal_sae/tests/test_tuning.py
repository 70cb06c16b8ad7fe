from __future__ import annotations

import math

import pytest
from temporal_sae.tuning import Tuned, _next


def search(wanted: Tuned, l0: object) -> list[float]:
    found: list[tuple[float, float]] = []
    for _ in range(wanted.trials):
        place = _next(wanted, found)
        found.append((place, math.log(l0(math.exp(place)))))
    return [math.exp(reached) for _, reached in found]


@pytest.mark.parametrize("exponent", [-0.4, -0.8, -1.6])
def test_a_power_law_is_met_within_three_percent_in_four_trials(exponent: float) -> None:
    reached = search(Tuned(l0=60.0, low=1e-4, high=1e-2), lambda weight: 60.0 * (weight / 0.0007) ** exponent)
    assert min(abs(l0 / 60.0 - 1) for l0 in reached) < 0.03


def test_a_bend_in_the_curve_is_followed() -> None:
    reached = search(Tuned(l0=40.0, low=1e-4, high=1e-2), lambda weight: 300.0 / (1 + weight / 2e-4) ** 0.9)
    assert min(abs(l0 / 40.0 - 1) for l0 in reached) < 0.03


def test_nothing_leaves_the_range() -> None:
    wanted = Tuned(l0=1.0, low=1e-4, high=1e-3)
    found = [(math.log(3e-4), math.log(50.0)), (math.log(1e-3), math.log(30.0))]
    assert _next(wanted, found) == pytest.approx(math.log(1e-3))


@pytest.mark.parametrize("wrong", [{"low": 0.0}, {"low": 1.0, "high": 0.5}, {"l0": 0.0}, {"trials": 0}])
def test_a_search_that_cannot_be_made_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        Tuned(**{"l0": 60.0, "low": 1e-4, "high": 1e-2, **wrong})
