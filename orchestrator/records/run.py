"""What was edited and executed, and how it ended."""

from __future__ import annotations

from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import Literal

from pydantic import ConfigDict, RootModel, model_validator

from orchestrator.records.base import Finding, Record, Scalar
from orchestrator.records.plan import Step


class Edit(Record):
    """What the coder did to one file. `commit` is empty where the edit was refused, and `findings` say why."""

    path: str
    commit: str = ""
    sha256: str = ""
    findings: tuple[Finding, ...] = ()


class ProcessResult(Record):
    """How a confined process ended. `stopped` names the limit or the reason for which we ended it, else ''."""

    exit_code: int | None
    signal: int | None = None
    stopped: str = ""
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    sandbox: Literal["bubblewrap", "none"]

    @property
    def ok(self) -> bool:
        """True when the process ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.stopped


class Condition(Record):
    """The grader's results of one condition: per-seed values by metric, in the order of the job's seeds.

    Means and standard errors of the mean (sample standard deviation over the root of n) that a grader leaves out are
    computed from those values; they are None where a value is missing, and the latter for a single seed.
    """

    means: dict[str, float | None]
    stderrs: dict[str, float | None]
    final_info_dict: dict[str, list[float | None]]
    config: dict[str, Scalar] = {}
    self_reported: dict[str, list[float | None]] = {}

    @model_validator(mode="before")
    @classmethod
    def _summarised(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("final_info_dict"), dict):
            return given
        values = {name: _numbers(one) for name, one in given["final_info_dict"].items()}
        means = {name: fmean(one) if one else None for name, one in values.items()}
        errors = {name: stdev(one) / sqrt(len(one)) if len(one) > 1 else None for name, one in values.items()}
        return {"means": means, "stderrs": errors, **given}


def _numbers(values: object) -> list[float]:
    """Return the values if all are finite numbers, else none: a mean over fewer seeds is another quantity."""
    listed = values if isinstance(values, list) else []
    finite = [float(one) for one in listed if isinstance(one, int | float) and isfinite(one)]
    return finite if len(finite) == len(listed) else []


class FinalInfo(RootModel[dict[str, Condition]]):
    """`final_info.json`: `{condition: {means, stderrs, final_info_dict, ...}}`, written by the grader alone."""

    model_config = ConfigDict(frozen=True)


class Run(Record):
    """One executed attempt. `path` is relative to the idea folder; accepted runs lie in `run_N/`.

    `withdrawn` says why a run that the gate had let pass counts no longer: its files changed, say.
    """

    step: Step
    path: str
    process: ProcessResult | None
    findings: tuple[Finding, ...] = ()
    withdrawn: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """True when nothing speaks against counting this as a numbered run."""
        return not self.withdrawn and not any(finding.severity == "error" for finding in self.findings)


class Reused(Record):
    """Where a run_0 that was not executed for this idea comes from: the idea folder that made it, and when (UTC)."""

    key: str
    made_by: str
    made_at: str
