"""What a paper may refer to, and the sections that refer to it."""

from __future__ import annotations

from typing import Literal

from orchestrator.records.base import Finding, Record, Scalar, Slug
from orchestrator.records.plan import Hypothesis
from orchestrator.records.setting import MetricSpec

Interval = tuple[float, float]
VerdictWord = Literal["better", "worse", "equivalent", "inconclusive", "not comparable"]
OutcomeWord = Literal["confirmed", "contradicted", "not supported", "undecided"]


class EvidenceEntry(Record):
    """One value that the paper may refer to, with where it comes from. `interval` is a 95 % t interval of the mean."""

    id: str
    value: float
    interval: tuple[float, float] | None
    run: str
    condition: str
    metric: str
    split: Literal["dev", "test", "self-reported", "setting"]
    seeds: tuple[int, ...]
    per_seed: tuple[float, ...]
    file: str
    key: str
    sha256: str
    computed_by: str


class Verdict(Record):
    """`arm` minus `reference` in `metric`, and what follows from it.

    For a hypothesis `p` is adjusted for the whole family, `interval` holds jointly with the family's others at `level`,
    and `detectable` is the smallest difference that the family's first step finds with 80 % power. Without one the
    interval stands alone, and there is neither p nor a verdict other than `not comparable`. `test` is the method in
    words, `reason` what a reader must know besides; arm and reference are a run, `run_3`, a point, `run_0@l1=3.0`, or
    the planned name of a run that never succeeded.
    """

    hypothesis: str | None
    arm: str
    reference: str
    metric: Slug
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    level: float = 0.95
    verdict: VerdictWord | None = None
    outcome: OutcomeWord | None = None
    detectable: float | None = None
    test: str = ""
    matched_on: Slug | None = None
    reason: str = ""


class Figure(Record):
    """A figure that plot.py made, and what it shows as read back from it; paths are relative to the idea folder."""

    name: str
    pdf: str
    png: str
    sha256: str = ""
    metrics: tuple[Slug, ...] = ()
    runs: tuple[Slug, ...] = ()


class Evidence(Record):
    """Everything that a paper may refer to; `evidence.json` without its figures.

    `runs` maps each accepted run's directory to its planned name, in order; `settings` holds the recorded
    configuration by run and condition; `counts` has the keys runs, attempts, rejected and seeds. `verdicts` are on
    the hypotheses, in their order; `equal_settings` are those that must be equal in two runs to be compared; `findings`
    say why runs that the gate had let pass are not in here.
    """

    entries: tuple[EvidenceEntry, ...]
    runs: dict[str, str]
    settings: dict[str, dict[str, dict[str, Scalar]]]
    counts: dict[str, int]
    hypotheses: tuple[Hypothesis, ...]
    metrics: tuple[MetricSpec, ...]
    equal_settings: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()


class Section(Record):
    """One section of the paper, as the model answered it (references not yet expanded)."""

    name: Slug
    path: str
    sha256: str
