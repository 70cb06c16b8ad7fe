"""Entries: values, intervals and provenance."""

import pytest

from orchestrator.evidence.metrics import Source, collect, half_width
from orchestrator.inputs import load_template
from orchestrator.records import Condition, FinalInfo
from tests.conftest import QUICK


def test_the_half_width_is_students():
    # mean 3, sample standard deviation sqrt(2.5), n 5, t quantile 2.776445 for 4 degrees of freedom
    assert half_width((1.0, 2.0, 3.0, 4.0, 5.0)) == pytest.approx(2.776445 * (2.5 / 5) ** 0.5, rel=1e-6)
    assert half_width((1.0,)) is None


def test_entries_carry_where_they_come_from():
    condition = Condition(
        means={},
        stderrs={},
        final_info_dict={"mse": [1.0, 2.0, 3.0], "weight_norm": [1.0, 1.0, 1.0]},
        self_reported={"alpha": [0.5, 0.6, 0.7], "partly": [None, 1.0, 1.0]},
    )
    source = Source(run="run_1", file="run_1/test_info.json", sha256="ab", split="test", seeds=(1, 2, 3))
    entries = {e.metric: e for e in collect(FinalInfo({"arm": condition}), source, load_template(QUICK / "quick_fit"))}
    assert set(entries) == {"mse", "weight_norm", "alpha"}
    assert entries["mse"].value == 2.0
    assert entries["mse"].interval == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)
    assert (entries["mse"].split, entries["mse"].computed_by) == ("test", "grader")
    assert (entries["alpha"].split, entries["alpha"].computed_by) == ("self-reported", "experiment.py")
    assert entries["mse"].key == "arm/final_info_dict/mse"
