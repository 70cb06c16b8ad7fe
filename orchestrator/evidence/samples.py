"""From evidence entries to the conditions of a comparison, by the names that hypotheses and references use. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.evidence.facts import TRIALS
from orchestrator.evidence.match import POINTS, NotComparable, Sample
from orchestrator.records import Evidence, EvidenceEntry, Hypothesis, MetricSpec, Scalar

Place = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: a run, `run_3`, or a point of it, `run_0@l1=3.0`, with a sample for each condition."""

    name: str
    samples: tuple[Sample, ...]
    settings: tuple[dict[str, Scalar], ...]

    def only(self) -> Sample:
        """Return the one condition; raises NotComparable where there are several."""
        if len(self.samples) != 1:
            raise NotComparable(f"{self.name} has {len(self.samples)} conditions, and none was named")
        return self.samples[0]


@dataclass(frozen=True, eq=False)
class Pair:
    """What is compared in which metric; `others` and `curve` are the other conditions on the same seeds."""

    spec: MetricSpec
    match: str | None
    arm: Side
    reference: Side
    others: tuple[Sample, ...]
    curve: tuple[Sample, ...]

    def require_equal(self, names: tuple[str, ...]) -> None:
        """Raise NotComparable where arm and reference differ in one of the settings called `names`.

        Two single conditions must also have been tuned in equally many trials; a curve stands for every place on it.
        """
        single = len(self.reference.samples) == 1
        for name in (*names, TRIALS) if single else names:
            found = {str(one.get(name)) for one in (*self.arm.settings, *self.reference.settings)}
            if len(found) > 1:
                between = f"{self.arm.name} and {self.reference.name}"
                raise NotComparable(f"{name} is not the same in {between}: {', '.join(sorted(found))}")


def pair_of(evidence: Evidence, names: tuple[str, str], metric: str, split: str, match: str | None = None) -> Pair:
    """Return the pair `names`, arm first, as scored on `split`; `match` is what a hypothesis wants matched.

    Raises NotComparable where a run is missing, the metric undeclared, or the seeds are not the same two or more.
    """
    spec = {one.name: one for one in evidence.metrics}.get(metric)
    if spec is None:
        raise NotComparable(f"the template declares no metric {metric}")
    if match and spec.match and match != spec.match:
        raise NotComparable(f"{metric} is fairly compared at equal {spec.match}, not at equal {match}")
    matched = spec.match or match
    samples = _samples(evidence, metric, matched if matched != metric else None, split)
    arm, reference = (_side(evidence, name, samples) for name in names)
    seeds = {sample.seeds for sample in (*arm.samples, *reference.samples)}
    if len(seeds) > 1 or {sample.name for sample in arm.samples} & {sample.name for sample in reference.samples}:
        raise NotComparable(f"{names[0]} and {names[1]} are not two conditions on the same seeds")
    same = {place: sample for place, sample in samples.items() if sample.seeds in seeds and _whole(sample)}
    return Pair(spec, matched if matched != metric else None, arm, reference, tuple(same.values()), _curve(same))


def require_fresh(evidence: Evidence, hypothesis: Hypothesis, pair: Pair) -> None:
    """Raise NotComparable where a hypothesis was frozen with results on its seeds at hand.

    Scoring the same trained runs on other data does not help: what was lucky on dev is lucky on test.
    """
    known = {run for run in evidence.runs if int(run.removeprefix("run_")) < hypothesis.frozen_after}
    seen = {seed for entry in evidence.entries if entry.run in known for seed in entry.seeds}
    if seen & set(pair.arm.samples[0].seeds):
        raise NotComparable(f"{hypothesis.id} was frozen when results on the seeds of {pair.arm.name} were known")


def run_called(evidence: Evidence, name: str) -> str | None:
    """Return the run directory that `name` means: itself, or the one planned under that name; None without either."""
    if name in evidence.runs:
        return name
    return next((run for run, planned in evidence.runs.items() if planned == name), None)


def _samples(evidence: Evidence, metric: str, match: str | None, split: str) -> dict[Place, Sample]:
    scored: dict[Place, dict[str, EvidenceEntry]] = {}
    for entry in evidence.entries:
        if entry.split == split and entry.metric in (metric, match):
            scored.setdefault((entry.run, entry.condition), {})[entry.metric] = entry
    return {place: _sample(place, found, metric, match) for place, found in scored.items() if metric in found}


def _sample(place: Place, found: dict[str, EvidenceEntry], metric: str, match: str | None) -> Sample:
    matched = found.get(match) if match else None
    return Sample(
        name="@".join(place),
        seeds=found[metric].seeds,
        values=np.array(found[metric].per_seed),
        matched=None if matched is None else np.array(matched.per_seed),
    )


def _side(evidence: Evidence, name: str, samples: dict[Place, Sample]) -> Side:
    named, at, condition = name.partition("@")
    run = run_called(evidence, named)
    if run is None:
        raise NotComparable(f"no run called {named} succeeded")
    chosen = {place: one for place, one in samples.items() if place[0] == run and (not at or place[1] == condition)}
    if not chosen:
        raise NotComparable(f"{name} has no result in this metric")
    for one in chosen.values():
        if not _whole(one):
            raise NotComparable(f"{one.name} has no finite value for each of two or more seeds")
    settings = tuple(evidence.settings.get(run, {}).get(place[1], {}) for place in chosen)
    return Side(run + at + condition, tuple(chosen.values()), settings)


def _whole(sample: Sample) -> bool:
    columns = [sample.values] if sample.matched is None else [sample.values, sample.matched]
    return len(sample.seeds) > 1 and all(c.size == len(sample.seeds) and np.isfinite(c).all() for c in columns)


def _curve(samples: dict[Place, Sample]) -> tuple[Sample, ...]:
    runs = dict.fromkeys(run for run, _ in samples)
    curves: Sequence[tuple[Sample, ...]] = [
        tuple(sample for place, sample in samples.items() if place[0] == run) for run in runs
    ]
    return next((curve for curve in curves if len(curve) >= POINTS), ())
