"""An idea, and the research setting in which it is tried."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.records.base import Record, Slug

Direction = Literal["lower", "higher", "none"]
Part = Literal["train", "tune", "dev", "test"]


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


class Expected(Record):
    """What a profile will take, for the person who chooses one. An `estimate` has not been measured."""

    time: str
    memory_mb: int = Field(gt=0)
    source: Literal["measured", "estimate"]


class Profile(BaseModel):
    """A scale at which a setting runs. `seeds` counts the repetitions; further keys are the template's own.

    `limits` take the place of the template's where a scale needs more.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Slug
    seeds: int = Field(ge=1)
    limits: Limits | None = None
    expected: Expected | None = None

    def scale(self) -> dict[str, Any]:
        """Return the keys that say what is computed: what the template's programs and a model are told."""
        return self.model_dump(exclude={"limits", "expected"})


class Prepared(Record):
    """The data's key (a content hash) and the folder of each part."""

    key: str
    parts: dict[Part, str]


class Commands(Record):
    """Arguments that the environment's Python gets, for each program of the template that is trusted.

    `fetch` alone has a network; `preflight` says what stands in a profile's way; `stream` feeds a run with data that
    is not stored; `host` is where the grader has a run's own code executed: two run beside it, in sandboxes of their
    own; `evaluate` runs a benchmark of the field's on finished runs.
    """

    fetch: tuple[str, ...] = ()
    preflight: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    prepare: tuple[str, ...]
    grade: tuple[str, ...]
    host: tuple[str, ...] = ()
    evaluate: tuple[str, ...] = ()


class Template(Record):
    """`template.toml`: a research setting. Runs are compared only where their `equal_settings` are the same.

    `path_keys` are the keys of a profile that may name a file or folder of the user's.
    """

    name: Slug
    title: str
    default_profile: Slug
    commands: Commands
    limits: Limits
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    profiles: tuple[Profile, ...] = Field(min_length=1)
    equal_settings: tuple[str, ...] = ()
    path_keys: tuple[str, ...] = ()

    def metric(self, name: str) -> MetricSpec:
        """Return the metric called `name`; KeyError if the template declares none."""
        return {metric.name: metric for metric in self.metrics}[name]
