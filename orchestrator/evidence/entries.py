"""Looks things up in the evidence by the names that a reference uses. Pure."""

from __future__ import annotations

from orchestrator.evidence.syntax import near
from orchestrator.records import Evidence, EvidenceEntry, MetricSpec, Scalar

SHORT = 24
ABBREVIATION = 4


class UnknownReference(Exception):  # noqa: N818
    """A reference names nothing; the message says what there is, and is written for the model that wrote it."""


def conditions(evidence: Evidence, run: str) -> tuple[str, ...]:
    """Return a run's conditions in order; UnknownReference if there is no such run."""
    if run not in evidence.runs:
        called = [number for number, name in evidence.runs.items() if name == run]
        hint = f"`{run}` is called `{called[0]}` here" if called else near(run, evidence.runs)
        raise UnknownReference(f"no run `{run}`; {hint}")
    found = [entry.condition for entry in evidence.entries if entry.run == run]
    return tuple(dict.fromkeys([*evidence.settings.get(run, {}), *found]))


def points(evidence: Evidence, name: str) -> tuple[tuple[str, str], ...]:
    """Return the run and condition that `run_0@l1=0.004` names, or all of a run's for `run_0`."""
    run, at, condition = name.partition("@")
    known = conditions(evidence, run)
    if at and condition not in known:
        raise UnknownReference(f"no point `{name}`; {near(name, [f'{run}@{one}' for one in known])}")
    return tuple((run, one) for one in ([condition] if at else known))


def find(evidence: Evidence, point: str, metric: str, *, self_reported: bool = False) -> EvidenceEntry:
    """Return the entry of a run (with one condition) or a point of a curve; UnknownReference says what there is."""
    chosen = points(evidence, point)
    if len(chosen) != 1:
        listed = ", ".join(f"`{run}@{condition}`" for run, condition in chosen)
        raise UnknownReference(f"`{point}` has several points; name one of {listed or 'none'}")
    entries = {
        entry.metric: entry
        for entry in evidence.entries
        if (entry.run, entry.condition) == chosen[0] and (entry.split == "self-reported") == self_reported
    }
    if metric not in entries:
        kind = "measurement" if self_reported else "metric"
        raise UnknownReference(f"`{point}` has no {kind} `{metric}`; {near(metric, entries)}")
    return entries[metric]


def find_setting(evidence: Evidence, point: str, name: str) -> Scalar:
    """Return a recorded setting of a point, or of a whole run whose points agree on it."""
    recorded = [evidence.settings.get(run, {}).get(condition, {}) for run, condition in points(evidence, point)]
    common = set.intersection(*(set(one) for one in recorded)) if recorded else set()
    if name not in common:
        raise UnknownReference(f"`{point}` has no setting `{name}`; {near(name, common)}")
    values = [one[name] for one in recorded]
    if any(value != values[0] for value in values):
        listed = ", ".join(f"`{run}@{condition}`" for run, condition in points(evidence, point))
        raise UnknownReference(f"`{name}` differs between the points of `{point}`; name one of {listed}")
    return values[0]


def half_width_of(entry: EvidenceEntry) -> float | None:
    """Return the half-width of an entry's interval."""
    return None if entry.interval is None else (entry.interval[1] - entry.interval[0]) / 2


def linked(evidence: Evidence, entry: EvidenceEntry, shown: str) -> str:
    """Return `shown` as a link to the entry's row in the evidence appendix."""
    return rf"\hyperlink{{evidence.{evidence.entries.index(entry) + 1}}}{{{shown}}}"


def words(metric: str, metrics: tuple[MetricSpec, ...]) -> str:
    """Return what a metric is called in a sentence: the template's words where they are short, else its name (`L0`)."""
    declared = {spec.name: spec.words for spec in metrics}.get(metric, "")
    if declared and len(declared) <= SHORT:
        return declared
    return metric.upper() if len(metric) <= ABBREVIATION else metric.replace("_", " ")
