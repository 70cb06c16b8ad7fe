"""What makes a run comparable with the baseline, and plausible beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.evidence.facts import GradedRun
from orchestrator.evidence.metrics import Declared
from orchestrator.records import Finding

LEAST_SHARE = 0.1
MOST_WORK = 10.0


def beside_baseline(run: GradedRun, baseline: GradedRun, declared: Declared) -> Iterator[Finding]:
    """Yield what forbids to set a run beside the baseline, and compute that its claims can't have cost."""
    if _metrics(run) and _metrics(baseline) and not _metrics(run) & _metrics(baseline):
        message = f"{run.name} and {baseline.name} have no metric in common: this is no baseline for it"
        yield Finding(code="foreign-baseline", severity="error", message=message, where=run.where)
        return
    yield from _settings(run, baseline, declared)
    yield from _compute(run, baseline)


def invalid_baseline(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings on a baseline, and one more where they reject it."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return findings
    message = f"the unedited baseline does not hold, so nothing can be compared with it: {errors[0].message}"
    return (*findings, Finding(code="baseline-invalid", severity="error", message=message, where=errors[0].where))


def _metrics(run: GradedRun) -> set[str]:
    return {metric for condition in run.info.root.values() for metric in condition.final_info_dict}


def _settings(run: GradedRun, baseline: GradedRun, declared: Declared) -> Iterator[Finding]:
    for setting in declared.equal_settings:
        allowed = {str(condition.config.get(setting)) for condition in baseline.info.root.values()}
        for name, condition in run.info.root.items():
            recorded = str(condition.config.get(setting))
            if recorded not in allowed:
                message = (
                    f"'{name}' has {setting}={recorded} and the baseline {setting}={' or '.join(sorted(allowed))}; "
                    "runs are compared only where these are equal, so leave it as it was"
                )
                where = f"{run.where}#{name}/config/{setting}"
                yield Finding(code="incomparable-baseline", severity="error", message=message, where=where)


def _compute(run: GradedRun, baseline: GradedRun) -> Iterator[Finding]:
    """A run that cost less than a tenth of the baseline's CPU time per step claimed did not take those steps.

    The baseline's share of start-up makes its time per step too large. The bound still holds for an honest run, since
    the work claimed counts as at most ten times the baseline's: a tenth of ten times its time is its time, start-up
    included, which that much more work costs in any case.
    """
    work, known = _work(run), _work(baseline)
    if run.facts.cpu_s is None or baseline.facts.cpu_s is None or work <= 0 or known <= 0:
        return
    bound_s = LEAST_SHARE * baseline.facts.cpu_s * min(work / known, MOST_WORK)
    if run.facts.cpu_s < bound_s:
        message = (
            f"{run.name} used {run.facts.cpu_s:.2g} s of CPU time; training as much as it claims takes the baseline's "
            f"code {bound_s / LEAST_SHARE:.2g} s, and a tenth of that is the least that is believed"
        )
        yield Finding(code="too-little-compute", severity="error", message=message, where=f"{run.name}/run.json")


def _work(run: GradedRun) -> float:
    """Steps over all conditions and seeds; a condition that records none counts as one step each."""
    steps = [condition.config.get("steps", 1) for condition in run.info.root.values()]
    counted = [float(n) for n in steps if isinstance(n, int | float) and not isinstance(n, bool)]
    return sum(counted) * len(run.facts.seeds)
