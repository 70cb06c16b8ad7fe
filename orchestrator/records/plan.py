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


class Frozen(Record):
    """Hypotheses of one round, with the SHA-256 of their texts: what the journal says of when they were made."""

    hypotheses: tuple[Hypothesis, ...]
    sha256: str


class PlannedRun(Record):
    """One run that the model wants. Its conditions must record `settings`; it may repeat the run `replicates`.

    A `fresh` one is ours: the code of the run `replicates` as it stands, on the fresh seeds.
    """

    name: Slug
    goal: str = Field(min_length=1, max_length=4000)
    settings: dict[str, Scalar] = {}
    replicates: Slug | None = None
    fresh: bool = False


Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(==[A-Za-z0-9.!+]{1,32})?$")]


class Needs(Record):
    """Packages that a model asks for after a run failed without them; only the user can say yes."""

    packages: tuple[Package, ...]


class Decision(Record):
    """The user's word on a package; a yes names the environment below .envs/ that has it since, and its lock's hash."""

    allowed: bool
    environment: str = ""
    lock_sha256: str = ""


class Plan(Record):
    """The hypotheses, the runs still to be made in their order, and where the loop stands.

    The next step is a function of this record alone, so that replaying the journal walks the same way. `attempt`
    counts attempts at run `number`, from `first` on, `tries` those of the planned run that comes first in `runs`.
    """

    hypotheses: tuple[Hypothesis, ...]
    runs: tuple[PlannedRun, ...]
    number: int = 0
    attempt: int = 1
    first: int = 1
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
