from __future__ import annotations

from pathlib import Path

import pytest
from temporal_sae.job import Earlier, Job

REPORTED = {"adaptive": {"config": {}, "means": {}, "self_reported": {"mean_alpha": [0.5, None, 0.7]}}}
JOB = Job(Path(), {}, (1,), {}, {"run_1": REPORTED, "run_0": {"a": {}, "b": {}}})


def test_an_earlier_measurement_becomes_its_mean_over_seeds() -> None:
    conditions = {"fixed": {"l1": 0.1, "alpha": Earlier("run_1", "mean_alpha")}}
    assert JOB.resolve(conditions) == {"fixed": {"l1": 0.1, "alpha": pytest.approx(0.6)}}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Earlier("run_9", "mean_alpha"), "no such earlier run"),
        (Earlier("run_1", "mean_beta"), "it reported"),
        (Earlier("run_1", "mean_alpha", "other"), "conditions are"),
        (Earlier("run_0", "mean_alpha"), "name one"),
    ],
)
def test_what_is_missing_is_named(wanted: Earlier, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JOB.resolve({"fixed": {"alpha": wanted}})


def test_no_conditions_is_an_error() -> None:
    with pytest.raises(ValueError, match="CONDITIONS is empty"):
        JOB.resolve({})
