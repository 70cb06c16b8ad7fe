"""What shall be run, and what is predicted of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.records.base import Record, Scalar, Slug


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
