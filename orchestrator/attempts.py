"""The attempts of an idea as they count now: those that the journal holds, less what was withdrawn later."""

from __future__ import annotations

from orchestrator.journal import Journal
from orchestrator.records import Finding, Run

WITHDRAW = "withdraw"


def attempts(journal: Journal) -> list[Run]:
    """Return every executed attempt in its order; a withdrawn one says why it counts no longer."""
    withdrawn = {run.step.label: run for run in journal.all(WITHDRAW, Run)}
    return [withdrawn.get(run.step.label, run) for run in journal.all("execute", Run)]


def accepted(journal: Journal) -> list[Run]:
    """Return the runs that count, the baseline first."""
    return [run for run in attempts(journal) if run.accepted]


def withdraw(journal: Journal, run: Run, why: Finding, path: str = "") -> Run:
    """Write down that `run` counts no longer, and where it lies now; doing it again changes nothing."""
    gone = run.model_copy(update={"withdrawn": (why,), "path": path or run.path})
    return journal.once(WITHDRAW, run.step.label, Run, lambda: gone)
