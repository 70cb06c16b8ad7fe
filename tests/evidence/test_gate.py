"""Runs that must not count, each for its reason."""

import pytest

from orchestrator.evidence.facts import Counter
from orchestrator.evidence.gate import check_run, same_setting
from orchestrator.records import FinalInfo
from tests.evidence.graded import BASELINE, GOOD, TEMPLATE, condition, counted, graded, planned

NAN = float("nan")


def found(run, earlier=(BASELINE,), declared=TEMPLATE):
    return [(f.severity, f.code) for f in check_run(run, earlier, declared)]


def with_chance(**changes):
    mse, norm = TEMPLATE.metrics
    return TEMPLATE.model_copy(update={"metrics": (mse.model_copy(update=changes), norm)})


def test_a_good_run_has_no_finding():
    assert found(graded({"arm": condition()})) == []
    assert found(BASELINE, earlier=()) == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({**GOOD, "mse": [0.1, None, 0.3]}, "non-finite"),
        ({**GOOD, "mse": [0.1, NAN, 0.3]}, "non-finite"),
        ({**GOOD, "mse": [0.1, -0.2, 0.3]}, "out-of-range"),
        ({**GOOD, "mse": [0.1, 0.2]}, "no-metrics"),
        ({"weight_norm": [1.0, 1.1, 1.0]}, "no-metrics"),
        ({"mse": [0.1, 0.1, 0.1], "weight_norm": [1.0, 1.0, 1.0]}, "single-seed"),
    ],
)
def test_bad_values_are_named(values, code):
    assert found(graded({"arm": condition(values)})) == [("error", code)]


def test_metrics_that_may_repeat_may_be_the_same_for_all_seeds():
    constant = condition({"mse": [0.1, 0.1, 0.1], "weight_norm": [1.0, 1.0, 1.0]})
    mse, norm = (metric.model_copy(update={"may_repeat": True}) for metric in TEMPLATE.metrics)
    assert found(graded({"arm": constant}), declared=TEMPLATE.model_copy(update={"metrics": (mse, norm)})) == []


@pytest.mark.parametrize("steps", [0, 0.0, "0", -1])
def test_ancestor_2_zero_steps(steps):
    run = graded({"arm": condition(config={"steps": steps, "lr": 0.1})})
    assert ("error", "zero-steps") in found(run)


@pytest.mark.parametrize("loss", [[0.1, None, 0.1], [0.1, NAN, 0.1]])
def test_ancestor_1_null_loss(loss):
    assert found(graded({"arm": condition(reported={"final_loss": loss})})) == [("error", "null-loss")]


def test_a_primary_metric_at_chance_rejects_and_another_one_warns():
    run = graded({"arm": condition()})
    assert found(run, declared=with_chance(chance=0.1)) == [("error", "chance-level")]
    assert found(run, declared=with_chance(chance=0.1, primary=False)) == [("warning", "chance-level")]
    assert found(run, declared=with_chance(chance=0.25)) == []
    assert found(run, declared=with_chance(chance=0.3, direction="higher")) == [("error", "chance-level")]


def test_what_was_planned_must_be_recorded():
    run = graded({"arm": condition()}, planned=planned(settings={"lr": "1e-1", "momentum": 0.9}))
    (finding,) = check_run(run, (BASELINE,), TEMPLATE)
    assert finding.code == "config-mismatch"
    assert "asks for momentum=0.9" in finding.message
    assert finding.where == "run_1/final_info.json#arm/config/momentum"


def test_settings_agree_as_numbers_and_else_as_words():
    assert same_setting(0.1, "0.10")
    assert same_setting("adam", "adam")
    assert not same_setting(0.1, 0.2)
    assert not same_setting(0.1, None)


def test_changed_files_and_results_of_its_own_are_named():
    run = graded({"arm": condition()}, changed=("run_0/final_info.json",), claimed={"final_info.json": "aa"})
    assert found(run) == [("error", "tampered"), ("error", "stale-result")]


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        (counted("arm", last=200, gap=100), []),
        (counted("arm", last=190, gap=20), []),
        (counted("arm", last=100, gap=100), [("error", "unverified-counter")] * 3),
        (counted("arm", seeds=(1, 2)), [("error", "unverified-counter")]),
        ({}, [("warning", "unverified-counter")]),
    ],
)
def test_steps_that_were_not_reported_are_not_believed(counters, expected):
    assert found(graded({"arm": condition()}, counters=counters)) == expected


@pytest.mark.parametrize(
    ("more", "config", "expected"),
    [
        (counted("arm_2"), {}, [("error", "unreported-training")]),
        ({"arm/2": Counter(last=200, gap=100, trainings=3)}, {}, [("error", "unreported-training")]),
        (counted("arm.tuning1", "arm.tuning2", seeds=(9,)), {"tuning_trials": 2}, []),
        (counted("arm.tuning1", "arm.tuning3", seeds=(9,)), {"tuning_trials": 2}, [("error", "unreported-training")]),
        (counted("arm.tuning1", seeds=(9,)), {"tuning_trials": "1e400"}, []),
        (counted("arm.tuningx", seeds=(9,)), {"tuning_trials": 10**18}, [("error", "unreported-training")]),
    ],
    ids=["another name", "the same again", "recorded trials", "a trial too many", "no number", "no trial"],
)
def test_a_training_that_left_no_result_is_a_choice_among_chances(more, config, expected):
    run = graded({"arm": condition(config={"steps": 200, "lr": 0.1, **config})}, counters={**counted("arm"), **more})
    assert found(run) == expected


def test_one_seed_is_a_warning():
    one = {name: values[:1] for name, values in GOOD.items()}
    assert found(graded({"arm": condition(one)}, seeds=(1,))) == [("warning", "single-seed")]


def test_a_run_without_conditions_has_no_metrics():
    assert found(graded({})) == [("error", "no-metrics")]
    assert FinalInfo({}).root == {}


def test_a_finding_says_where():
    run = graded({"arm": condition({**GOOD, "mse": [1.0, -1.0, 1.0]})})
    (finding,) = check_run(run, (BASELINE,), TEMPLATE)
    assert finding.where == "run_1/final_info.json#arm/mse"
    assert "outside" in finding.message
