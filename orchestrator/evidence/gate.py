"""The gate: what a run must show before it counts. Pure functions from records to findings."""

from __future__ import annotations

import math
from collections.abc import Iterator

from orchestrator.records import Condition, FinalInfo, Finding, Template


def check_run(info: FinalInfo, template: Template, seeds: int, where: str) -> tuple[Finding, ...]:
    """Return what speaks against a graded run. `where` is the path of its final_info.json in the idea folder."""
    if not info.root:
        return (_error("no-metrics", "the grader found no condition in this run", where),)
    return tuple(
        finding
        for name, condition in info.root.items()
        for finding in (*_steps(name, condition, where), *_values(name, condition, template, seeds, where))
    )


def _steps(name: str, condition: Condition, where: str) -> Iterator[Finding]:
    if condition.config.get("steps") == 0:
        yield _error("zero-steps", f"'{name}' was trained for 0 steps", f"{where}#{name}/config/steps")


def _values(name: str, condition: Condition, template: Template, seeds: int, where: str) -> Iterator[Finding]:
    for metric in template.metrics:
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


def _in_range(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _error(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity="error", message=message, where=where)
