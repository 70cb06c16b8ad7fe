"""What can be seen of a run from outside, beside its graded results."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.records import FinalInfo, PlannedRun, Record

FACTS = "facts.json"
TRIALS = "tuning_trials"  # the setting in which a template records in how many trainings another one was tuned
NO_WEIGHTS = (".json", ".jsonl", ".py", ".txt", ".md", ".log")


class Counter(Record):
    """What progress.jsonl shows of one training: its last step, and the largest number of steps between two lines.

    `trainings` counts how often it began: the steps of one training only rise.
    """

    last: int
    gap: int
    trainings: int = 1


class RunFacts(Record):
    """Gathered by our own code when the process had ended; `facts.json` of a run directory.

    `artefacts` has SHA-256 by path, relative to the run directory; `claimed` likewise for result files that stood there
    before the grader wrote any; `changed` names protected files that differ from before; `counters` are by
    `condition/seed`. `cpu_s` is in seconds over all processes, None where nothing measured it.
    """

    seeds: tuple[int, ...]
    cpu_s: float | None = None
    artefacts: dict[str, str] = {}
    claimed: dict[str, str] = {}
    changed: tuple[str, ...] = ()
    counters: dict[str, Counter] = {}
    result_sha256: str = ""

    def weights(self, condition: str, seed: int) -> tuple[str, ...]:
        """Return the hashes of what a training left, its texts and records not counted; sorted."""
        prefix = f"{condition}/seed_{seed}/"
        return tuple(
            sorted(
                sha256
                for path, sha256 in self.artefacts.items()
                if path.startswith(prefix) and not path.endswith(NO_WEIGHTS)
            )
        )


@dataclass(frozen=True)
class GradedRun:
    """A run as the gate sees it: its directory, what was planned (None for the baseline), results and facts."""

    name: str
    planned: PlannedRun | None
    info: FinalInfo
    facts: RunFacts

    @property
    def where(self) -> str:
        """The path of its results in the idea folder."""
        return f"{self.name}/final_info.json"

    def replicates(self, earlier: GradedRun) -> bool:
        """True where this run was planned as a repetition of `earlier`."""
        called = earlier.planned.name if earlier.planned else "baseline"
        return self.planned is not None and self.planned.replicates == called
