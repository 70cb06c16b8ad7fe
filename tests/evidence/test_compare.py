import pytest

from orchestrator.evidence.compare import difference
from tests.evidence.studies import baseline, made, point

RUNS = {
    "baseline": baseline(),
    "better": {"arm": point(50, 47.0, effect=0.01)},
    "control": {"arm": point(51, 47.6)},
    "far": {"arm": point(52, 90.0)},
    "other": {"arm": point(53, 66.0)},
}
STUDY = made(RUNS)


def test_an_exploratory_difference_has_an_interval_and_no_verdict_word():
    found = difference(STUDY, ("run_1", "run_0"), "ev")
    assert (found.hypothesis, found.verdict, found.outcome, found.p, found.detectable) == (None,) * 5
    assert found.difference == pytest.approx(0.01, abs=1e-6)
    low, high = found.interval
    assert low < 0.01 < high
    assert (low + high) / 2 == pytest.approx(found.difference)
    assert (found.matched_on, found.level) == ("l0", 0.95)
    assert found.test == (
        "t test with 24 degrees of freedom, variance pooled over 7 conditions with seeds as blocks, or its "
        "own where larger; against the baseline's curve, a cubic through the 5 of 6 points nearest; not adjusted for "
        "other comparisons"
    )


def test_two_arms_at_the_same_place():
    found = difference(STUDY, ("run_1", "run_2"), "ev")
    assert found.difference == pytest.approx(0.01, abs=1e-6)
    assert "difference of distances from the baseline's curve" in found.test


@pytest.mark.parametrize(
    ("names", "metric", "reason"),
    [
        (("run_3", "run_0"), "ev", "run_3@arm at 90 lies outside the curve's 30 to 75"),
        (("run_1", "run_4"), "ev", "l0 differs by a factor of 1.40"),
        (("run_1", "run_0"), "mse", "run_0 has 6 conditions, and none was named"),
        (("run_0", "run_1"), "ev", "run_0 has 6 conditions, and none was named"),
        (("run_9", "run_0"), "ev", "no run called run_9 succeeded"),
    ],
)
def test_not_comparable_says_why_and_gives_no_number(names: tuple[str, str], metric: str, reason: str):
    found = difference(STUDY, names, metric)
    assert found.verdict == "not comparable"
    assert reason in found.reason
    assert (found.difference, found.interval) == (None, None)


def test_an_unmatched_metric_is_compared_with_a_named_point():
    found = difference(STUDY, ("run_1", "run_0@l1=2"), "mse")
    assert found.difference == pytest.approx(0, abs=1e-9)
    assert found.matched_on is None
    assert "pooled over 10 conditions" in found.test


def test_without_a_curve_arms_within_3_percent_are_compared_as_they_are():
    runs = {
        "baseline": {"one": point(1, 47.0)},
        "near": {"arm": point(50, 48.0, 0.01)},
        "off": {"arm": point(51, 50.0)},
    }
    found = difference(made(runs), ("near", "baseline"), "ev")
    assert found.interval is not None
    assert found.reason == (
        "l0 agrees within 2.1%; what is left is not corrected, since a matched comparison needs a curve of 5 points, "
        "and there are 0"
    )
    assert difference(made(runs), ("off", "baseline"), "ev").verdict == "not comparable"


def test_a_metric_that_repeats_bit_for_bit_gives_no_judgement():
    found = difference(STUDY, ("run_1", "run_0@l1=2"), "l0")
    assert found.verdict == "not comparable"
    assert "does not vary over seeds" in found.reason


def test_settings_and_parts_are_respected():
    settings = {"run_0": {f"l1={n}": {"steps": 200} for n in range(6)}, "run_1": {"arm": {"steps": 400}}}
    found = difference(made(RUNS, settings=settings), ("run_1", "run_0"), "ev", ("steps",))
    assert found.reason == "steps is not the same in run_1 and run_0: 200, 400"
    assert difference(made(RUNS, split="dev"), ("run_1", "run_0"), "ev").verdict == "not comparable"
    assert difference(made(RUNS, split="dev"), ("run_1", "run_0"), "ev", split="dev").interval is not None
