"""What may be set beside the baseline."""

import pytest

from orchestrator.evidence.baseline import beside_baseline, invalid_baseline
from orchestrator.records import Finding
from tests.evidence.graded import BASE, BASELINE, TEMPLATE, condition, graded


def codes(run, baseline=BASELINE):
    return [finding.code for finding in beside_baseline(run, baseline, TEMPLATE)]


def test_other_settings_may_differ():
    assert codes(graded({"arm": condition(config={"steps": 200, "lr": 0.9})})) == []


@pytest.mark.parametrize("config", [{"steps": 400}, {"lr": 0.1}])
def test_ancestor_5_a_setting_that_must_be_equal(config):
    assert codes(graded({"arm": condition(config=config)})) == ["incomparable-baseline"]


def test_ancestor_5_a_baseline_of_another_field():
    foreign = graded({"shakespeare": condition({"val_loss": [1.5, 1.5, 1.6]}, config={})}, name="run_0")
    assert codes(graded({"arm": condition()}), foreign) == ["foreign-baseline"]


@pytest.mark.parametrize(
    ("cpu_s", "conditions", "expected"),
    [
        (0.09, 1, ["too-little-compute"]),
        (0.11, 1, []),
        (0.35, 4, ["too-little-compute"]),
        (0.45, 4, []),
        (1.01, 40, []),
        (None, 1, []),
    ],
)
def test_compute_is_bounded_by_the_baselines(cpu_s, conditions, expected):
    run = graded({f"arm_{n}": condition() for n in range(conditions)}, cpu_s=cpu_s)
    assert codes(run) == expected


def test_start_up_alone_never_makes_an_honest_run_look_cheap():
    start_up_s, step_s = 5.0, 0.001
    baseline = graded({"base": condition(BASE)}, name="run_0", cpu_s=start_up_s + 600 * step_s)
    for count in (1, 3, 30, 300):
        run = graded({f"arm_{n}": condition() for n in range(count)}, cpu_s=start_up_s + count * 600 * step_s)
        assert codes(run, baseline) == []


def test_an_error_invalidates_the_baseline_and_a_warning_does_not():
    warning = Finding(code="single-seed", severity="warning", message="one seed")
    error = Finding(code="zero-steps", severity="error", message="no steps", where="run_0/x")
    assert invalid_baseline((warning,)) == (warning,)
    *_, last = invalid_baseline((warning, error))
    assert (last.code, last.where) == ("baseline-invalid", "run_0/x")
    assert "no steps" in last.message
