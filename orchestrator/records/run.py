"""What was edited and executed, and how it ended."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, RootModel

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
    """The grader's results of one condition: per-seed values by metric, in the order of the job's seeds."""

    means: dict[str, float | None]
    stderrs: dict[str, float | None]
    final_info_dict: dict[str, list[float | None]]
    config: dict[str, Scalar] = {}
    self_reported: dict[str, list[float | None]] = {}


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
