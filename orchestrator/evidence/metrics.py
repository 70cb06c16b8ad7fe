"""From graded results to evidence entries: values, intervals, and where each comes from. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.records import Condition, Evidence, EvidenceEntry, FinalInfo, Template

LEVEL = 0.95

# Both say which metrics are declared; an idea folder alone holds only the latter.
Declared = Template | Evidence


@dataclass(frozen=True)
class Source:
    """A result file: the run it belongs to, its path in the idea folder, its SHA-256, and the part it was graded on."""

    run: str
    file: str
    sha256: str
    split: str
    seeds: tuple[int, ...]


def half_width(values: tuple[float, ...]) -> float | None:
    """Return the half-width of the 95 % t interval of the mean of independent `values`; None for fewer than two."""
    if len(values) < 2:
        return None
    from scipy import stats  # imported here: it takes a third of a second, which only a running idea should wait for

    quantile = float(stats.t.ppf(0.5 + LEVEL / 2, len(values) - 1))
    return float(quantile * statistics.stdev(values) / len(values) ** 0.5)


def collect(info: FinalInfo, source: Source, template: Declared) -> tuple[EvidenceEntry, ...]:
    """Return an entry for every metric and every self-reported measurement of a graded run."""
    return tuple(
        entry
        for name, condition in info.root.items()
        for entry in (*_graded(name, condition, source, template), *_self_reported(name, condition, source))
    )


def _graded(name: str, condition: Condition, source: Source, template: Declared) -> Iterator[EvidenceEntry]:
    for metric in template.metrics:
        yield _entry(name, metric.name, condition.final_info_dict[metric.name], source, "final_info_dict")


def _self_reported(name: str, condition: Condition, source: Source) -> Iterator[EvidenceEntry]:
    for measured, values in condition.self_reported.items():
        if all(value is not None for value in values):
            yield _entry(name, measured, values, source, "self_reported")


def _entry(condition: str, metric: str, values: list[float | None], source: Source, group: str) -> EvidenceEntry:
    per_seed = tuple(value for value in values if value is not None)
    mean, half = statistics.fmean(per_seed), half_width(per_seed)
    return EvidenceEntry(
        id=f"{source.run}@{condition}/{metric}",
        value=mean,
        interval=None if half is None else (mean - half, mean + half),
        run=source.run,
        condition=condition,
        metric=metric,
        split="self-reported" if group == "self_reported" else source.split,
        seeds=source.seeds,
        per_seed=per_seed,
        file=source.file,
        key=f"{condition}/{group}/{metric}",
        sha256=source.sha256,
        computed_by="experiment.py" if group == "self_reported" else "grader",
    )
