"""The gate: what a run must show before it counts. Pure functions from records to findings.

This module looks at one run alone; `repeats` and `baseline` look at it beside the earlier ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.evidence.baseline import beside_baseline
from orchestrator.evidence.facts import TRIALS, GradedRun
from orchestrator.evidence.metrics import Declared
from orchestrator.evidence.repeats import repeats
from orchestrator.records import Condition, FinalInfo, Finding, MetricSpec, Scalar

COUNTERS = ("steps", "training_steps", "num_steps", "tokens", "training_tokens", "num_tokens")
TOLERANCE = 1e-9


def check_run(run: GradedRun, earlier: Sequence[GradedRun], declared: Declared) -> tuple[Finding, ...]:
    """Return what speaks against a graded run. `earlier` are the accepted runs before it, the baseline first."""
    found = [*_untouched(run), *check_values(run.info, declared, len(run.facts.seeds), run.where)]
    for name, condition in run.info.root.items():
        found += [*_training(run, name, condition), *_planned(run, name, condition), *_counted(run, name, condition)]
    found += _unreported(run)
    found += [*beside_baseline(run, earlier[0], declared), *repeats(run, earlier, declared)] if earlier else []
    if len(run.facts.seeds) == 1:
        message = "this scale has one seed, so no result has an interval and nothing can be said about chance"
        found.append(Finding(code="single-seed", severity="warning", message=message, where=run.where))
    return tuple(found)


def check_values(info: FinalInfo, declared: Declared, seeds: int, where: str) -> tuple[Finding, ...]:
    """Return what is wrong with the numbers of a result file; `where` is its path in the idea folder."""
    if not info.root:
        return (_error("no-metrics", "the grader found no condition in this run: it left no results at all", where),)
    return tuple(
        finding
        for name, condition in info.root.items()
        for finding in (
            *_values(name, condition, declared, seeds, where),
            *_same_seeds(name, condition, declared, where),
        )
    )


def _values(name: str, condition: Condition, declared: Declared, seeds: int, where: str) -> Iterator[Finding]:
    for metric in declared.metrics:
        key = f"{where}#{name}/{metric.name}"
        values = condition.final_info_dict.get(metric.name, [])
        if len(values) != seeds:
            yield _error("no-metrics", f"'{name}' has {len(values)} values of {metric.words}, not {seeds}", key)
        for value in values:
            if value is None or not math.isfinite(value):
                yield _error("non-finite", f"{metric.words} of '{name}' is not a finite number", key)
            elif not _in_range(value, metric.low, metric.high):
                bounds = f"{metric.low} to {metric.high}"
                yield _error("out-of-range", f"{metric.words} of '{name}' is {value:g}, outside {bounds}", key)
        if values and all(_at_chance(value, metric) for value in values):
            message = f"{metric.words} of '{name}' is no better than chance ({metric.chance:g}) with any seed"
            severity = "error" if metric.primary else "warning"
            yield Finding(code="chance-level", severity=severity, message=message, where=key)


def _in_range(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _at_chance(value: float | None, metric: MetricSpec) -> bool:
    if value is None or metric.chance is None or metric.direction == "none":
        return False
    return value <= metric.chance if metric.direction == "higher" else value >= metric.chance


def _same_seeds(name: str, condition: Condition, declared: Declared, where: str) -> Iterator[Finding]:
    """One training under several seeds' names has no spread, and would make any difference look certain."""
    columns = [condition.final_info_dict.get(m.name, []) for m in declared.metrics if not m.may_repeat]
    columns = [values for values in columns if len(values) > 1]
    if columns and all(value is not None and value == values[0] for values in columns for value in values):
        message = f"all seeds of '{name}' give the same results to the last bit, so the seed was not used"
        yield _error("single-seed", message, f"{where}#{name}")


def _untouched(run: GradedRun) -> Iterator[Finding]:
    for path in run.facts.changed:
        yield tampered(run.name, path)
    yield from stale(run.name, run.facts.claimed)


def stale(run: str, claimed: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each result file that `run` left itself."""
    for name in claimed:
        message = (
            f"experiment.py left a {name} of its own; results are computed by the grader alone, "
            "from the artefacts, so take the code that writes it out"
        )
        yield _error("stale-result", message, f"{run}/{name}")


def tampered(run: str, path: str) -> Finding:
    """Return the finding for a protected file that changed while `run` was executed."""
    return _error("tampered", f"{path} was changed while {run} was executed, and a run may not touch it", path)


def _training(run: GradedRun, name: str, condition: Condition) -> Iterator[Finding]:
    for key in COUNTERS:
        count = number(condition.config.get(key))
        if count is not None and count <= 0:
            yield _error("zero-steps", f"'{name}' was trained for 0 {key}", f"{run.where}#{name}/config/{key}")
    for key, values in condition.self_reported.items():
        if "loss" in key and any(value is None or not math.isfinite(value) for value in values):
            message = f"'{name}' reports no finite {key}: its training broke down, or never took place"
            yield _error("null-loss", message, f"{run.where}#{name}/self_reported/{key}")


def _planned(run: GradedRun, name: str, condition: Condition) -> Iterator[Finding]:
    for key, asked in (run.planned.settings if run.planned else {}).items():
        recorded = condition.config.get(key)
        if not same_setting(asked, recorded):
            message = f"the plan asks for {key}={asked}, and '{name}' recorded {key}={recorded}"
            yield _error("config-mismatch", message, f"{run.where}#{name}/config/{key}")


def _counted(run: GradedRun, name: str, condition: Condition) -> Iterator[Finding]:
    """Steps that a run claims and did not report as it went.

    A report comes every so many steps, so that only as many may be missing at the end.
    """
    claimed = number(condition.config.get("steps"))
    if claimed is None or claimed <= 0:
        return
    key = f"{run.name}/progress.jsonl#{name}"
    for seed in run.facts.seeds:
        counter = run.facts.counters.get(f"{name}/{seed}")
        if counter is None and run.facts.counters:
            message = f"'{name}', seed {seed}, claims {claimed:g} steps, and progress.jsonl shows none of them"
            yield _error("unverified-counter", message, key)
        elif counter is not None and claimed - counter.last >= max(1, counter.gap):
            message = f"'{name}', seed {seed}, claims {claimed:g} steps, and progress.jsonl ends at step {counter.last}"
            yield _error("unverified-counter", message, key)
    if not run.facts.counters:
        message = f"'{name}' claims {claimed:g} steps, and progress.jsonl has no line that shows one"
        yield Finding(code="unverified-counter", severity="warning", message=message, where=key)


def _unreported(run: GradedRun) -> Iterator[Finding]:
    """Trainings of which no result is left: who makes several and keeps one chooses among chances.

    The trials of a recorded search (`tuning_trials`) are no such trainings.
    """
    trained = {key.rpartition("/")[0] for key in run.facts.counters}
    left = sorted(name for name in trained - set(run.info.root) if not _is_trial(name, run.info))
    again = sorted(key for key, counter in run.facts.counters.items() if counter.trainings > 1)
    for what, places in (("which left no result", left), ("more than once with the same seed", again)):
        if places:
            message = (
                f"progress.jsonl shows a training of '{places[0]}' {what}: each training of a run is a condition with "
                "a result, or a trial of a search that the setting records"
            )
            yield _error("unreported-training", message, f"{run.name}/progress.jsonl#{places[0]}")


def _is_trial(name: str, info: FinalInfo) -> bool:
    """True for `arm.tuning2` where the settings of `arm` record two trials or more."""
    arm, _, trial = name.rpartition(".tuning")
    recorded = info.root[arm].config.get(TRIALS) if arm in info.root else None
    return trial.isdecimal() and int(trial) <= (number(recorded) or 0)


def number(value: Scalar | None) -> float | None:
    """Return a setting as a number, also where it was written as text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def same_setting(asked: Scalar, recorded: Scalar | None) -> bool:
    """True where two settings say the same, `0.1` and "1e-1" for instance."""
    one, other = number(asked), number(recorded)
    if one is not None and other is not None:
        return math.isclose(one, other, rel_tol=TOLERANCE)
    return str(asked) == str(recorded)


def _error(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity="error", message=message, where=where)
