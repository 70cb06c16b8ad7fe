"""Runs that must not count, each for its reason."""

import pytest

from orchestrator.evidence.gate import check_run
from orchestrator.inputs import load_template
from orchestrator.records import Condition, FinalInfo
from tests.conftest import QUICK

TEMPLATE = load_template(QUICK / "quick_fit")
GOOD = {"mse": [0.1, 0.2, 0.3], "weight_norm": [1.0, 1.0, 1.0]}


def codes(values, config=None):
    condition = Condition(means={}, stderrs={}, final_info_dict=values, config=config or {"steps": 200})
    return [f.code for f in check_run(FinalInfo({"arm": condition}), TEMPLATE, 3, "run_1/final_info.json")]


def test_a_good_run_has_no_finding():
    assert codes(GOOD) == []


@pytest.mark.parametrize(
    ("values", "config", "code"),
    [
        (GOOD, {"steps": 0}, "zero-steps"),
        ({**GOOD, "mse": [0.1, None, 0.3]}, None, "non-finite"),
        ({**GOOD, "mse": [0.1, float("nan"), 0.3]}, None, "non-finite"),
        ({**GOOD, "mse": [0.1, -0.2, 0.3]}, None, "out-of-range"),
        ({**GOOD, "mse": [0.1, 0.2]}, None, "no-metrics"),
        ({"weight_norm": [1.0, 1.0, 1.0]}, None, "no-metrics"),
    ],
)
def test_a_bad_run_is_named(values, config, code):
    assert codes(values, config) == [code]


def test_a_run_without_conditions_has_no_metrics():
    assert [f.code for f in check_run(FinalInfo({}), TEMPLATE, 3, "x")] == ["no-metrics"]


def test_a_finding_says_where():
    condition = Condition(means={}, stderrs={}, final_info_dict={**GOOD, "mse": [1.0, -1.0, 1.0]})
    (finding,) = check_run(FinalInfo({"arm": condition}), TEMPLATE, 3, "run_1/final_info.json")
    assert finding.where == "run_1/final_info.json#arm/mse"
    assert "outside" in finding.message
