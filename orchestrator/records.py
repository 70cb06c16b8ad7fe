"""The frozen records that flow between stages. Parsed once, at a file's edge; never changed after."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

Scalar = bool | int | float | str
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Direction = Literal["lower", "higher", "none"]
Part = Literal["train", "tune", "dev", "test"]
Interval = tuple[float, float]
VerdictWord = Literal["better", "worse", "equivalent", "inconclusive", "not comparable"]
OutcomeWord = Literal["confirmed", "contradicted", "not supported", "undecided"]


class Record(BaseModel):
    """Base of every record: immutable, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Idea(BaseModel):
    """An idea file. Keys are those of the ancestor; keys that are not named here are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    Name: Slug
    Title: str = Field(min_length=1)
    Experiment: str = Field(min_length=1)
    template: Slug


class MetricSpec(Record):
    """A metric that the grader computes. A model is never asked for any of this.

    `smallest_effect` is the smallest difference of interest, in the metric's own units; `match` names the metric that
    must be equal for a fair comparison; `may_repeat` says that two runs may agree in it bit for bit; `chance` is
    what a model gets that learnt nothing.
    """

    name: Slug
    words: str
    direction: Direction
    unit: str = ""
    low: float | None = None
    high: float | None = None
    primary: bool = False
    smallest_effect: float | None = Field(default=None, gt=0)
    match: Slug | None = None
    may_repeat: bool = False
    chance: float | None = None


class Limits(Record):
    """What a process may use. Reaching one ends its whole process tree."""

    timeout_s: float = Field(gt=0)
    memory_mb: int = Field(gt=0)
    file_mb: int = Field(gt=0)
    processes: int = Field(gt=0)


class Profile(BaseModel):
    """A scale at which a setting runs. `seeds` counts the repetitions; the other keys are the template's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Slug
    seeds: int = Field(ge=1)


class Commands(Record):
    """Arguments that the environment's Python gets, for each program of the template that is trusted."""

    fetch: tuple[str, ...] = ()
    prepare: tuple[str, ...]
    grade: tuple[str, ...]
    evaluate: tuple[str, ...] = ()


class Template(Record):
    """`template.toml`: a research setting. Runs are compared only where their `equal_settings` are the same."""

    name: Slug
    title: str
    default_profile: Slug
    commands: Commands
    limits: Limits
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    profiles: tuple[Profile, ...] = Field(min_length=1)
    equal_settings: tuple[str, ...] = ()

    def metric(self, name: str) -> MetricSpec:
        """Return the metric called `name`; KeyError if the template declares none."""
        return {metric.name: metric for metric in self.metrics}[name]


class Hypothesis(Record):
    """A prediction, frozen before its result: `metric` of `arm` against that of `reference`.

    `frozen_after` counts the runs, run_0 included, whose results were known when it was frozen: 0 for a plan's.
    """

    id: Annotated[str, StringConstraints(pattern=r"^H[1-9][0-9]?$")]
    metric: Slug
    direction: Literal["lower", "higher", "equivalent"]
    arm: Slug
    reference: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(@[A-Za-z0-9_.=+-]{1,60})?$")]
    match: Slug | None = None
    frozen_after: int = Field(default=0, ge=0)


class PlannedRun(Record):
    """One run that the model wants. Its conditions must record `settings`; it may repeat the run `replicates`."""

    name: Slug
    goal: str = Field(min_length=1, max_length=4000)
    settings: dict[str, Scalar] = {}
    replicates: Slug | None = None


class Plan(Record):
    """The hypotheses, the runs still to be made in their order, and where the loop stands.

    The next step is a function of this record alone, so that replaying the journal walks the same way. `attempt`
    counts attempts at run `number`, `tries` those of the planned run that comes first in `runs`.
    """

    hypotheses: tuple[Hypothesis, ...]
    runs: tuple[PlannedRun, ...]
    number: int = 0
    attempt: int = 1
    tries: int = 1
    prose: str = ""


class Step(Record):
    """One pass of the loop: attempt `attempt` (from 1) at run `number`. Run 0 is the unedited baseline."""

    number: int = Field(ge=0)
    attempt: int = Field(ge=1)
    planned: PlannedRun | None = None

    @property
    def run(self) -> str:
        """The run directory's name, `run_2`."""
        return f"run_{self.number}"

    @property
    def label(self) -> str:
        """Run and attempt in one word, `run_2.1`."""
        return f"run_{self.number}.{self.attempt}"


class Finding(Record):
    """Something a check saw. `where` is `path#key`; an `error` rejects the run."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
    severity: Literal["error", "warning", "note"]
    message: str
    where: str = ""


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
    """One executed attempt. `path` is relative to the idea folder; accepted runs lie in `run_N/`."""

    step: Step
    path: str
    process: ProcessResult | None
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """True when nothing speaks against counting this as a numbered run."""
        return not any(finding.severity == "error" for finding in self.findings)


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
    """A figure that plot.py made; paths are relative to the idea folder."""

    name: str
    pdf: str
    png: str


class Evidence(Record):
    """Everything that a paper may refer to; `evidence.json` without its figures.

    `runs` maps each accepted run's directory to its planned name, in order; `settings` holds the recorded
    configuration by run and condition; `counts` has the keys runs, attempts, rejected and seeds. `verdicts` are on
    the hypotheses, in their order; `equal_settings` are those that must be equal in two runs to be compared.
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


class Section(Record):
    """One section of the paper, as the model answered it (references not yet expanded)."""

    name: Slug
    path: str
    sha256: str
