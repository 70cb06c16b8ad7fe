"""The small simulation, as a person runs it: the stated error rates hold, and a method without them would not pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.verdicts import Measured
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[tuple[str, str], Measured]:
    out: Path = tmp_path_factory.mktemp("verdicts")
    command = [sys.executable, str(ROOT / "benchmarks/verdicts.py"), "--size", "small", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [Measured(**one) for one in json.loads((out / "verdicts.json").read_text())]
    return {(one.scenario, one.quantity): one for one in found}


def test_false_positives_and_coverage_hold(measured):
    for scenario in ("frozen", "replanned"):
        false = measured[scenario, "false"]
        assert false.value <= 0.05 + 3 * false.error
    coverage = measured["frozen", "coverage"]
    assert 0.92 < coverage.value < 0.98
    assert coverage.error < 0.01
    assert measured["frozen", "joint coverage"].value > 0.92


@pytest.mark.parametrize(
    ("scenario", "quantity"),
    [
        ("frozen", "false, each judged alone (control)"),
        ("frozen", "false, L0 not matched (control)"),
        ("replanned", "false, tested where it was chosen (control)"),
    ],
)
def test_the_bound_would_catch_a_method_that_does_not_correct(measured, scenario: str, quantity: str):
    wrong = measured[scenario, quantity]
    assert Measured(scenario, wrong.seeds, "false", wrong.value, wrong.error).breaks(3.0)


def test_the_bound_on_coverage_would_catch_intervals_of_the_wrong_width():
    assert Measured("frozen", 5, "coverage", 0.90, 0.005).breaks(3.0)
    assert Measured("frozen", 5, "coverage", 0.99, 0.005).breaks(3.0)
    assert not Measured("frozen", 5, "coverage", 0.95, 0.005).breaks(3.0)
