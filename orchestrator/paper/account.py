"""How results came about, as a paper tells it: scale, attempts, tuning, compute, changed code. Plain text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.records import Evidence, Scalar

CONTEXT_LINES = 2


@dataclass(frozen=True)
class Attempt:
    """One try at a run: its label `run_2.1`, the run's planned name, and what the gate found."""

    label: str
    name: str
    accepted: bool
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What an accepted run changed in the baseline's experiment.py: a unified diff, line by line."""

    run: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """Everything that the journal says of how a study was made. Times are sums over all attempts, in seconds.

    `given_up` are planned runs that never succeeded; `edited` sections that a person changed; `typed` those of which
    a part is shown as it was typed, since LaTeX could not set it; `struck` counts sentences that are struck out.
    """

    template: str = ""
    profile: Mapping[str, Scalar] = field(default_factory=dict)
    device: str = "cpu"
    attempts: tuple[Attempt, ...] = ()
    given_up: tuple[str, ...] = ()
    wall_s: float = 0.0
    cpu_s: float = 0.0
    changes: tuple[Change, ...] = ()
    edited: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    struck: int = 0


def changed(run: str, name: str, baseline: str, text: str) -> Change:
    """Return what `text` changed in `baseline`."""
    lines = difflib.unified_diff(
        baseline.splitlines(), text.splitlines(), "baseline", name, lineterm="", n=CONTEXT_LINES
    )
    return Change(run, name, tuple(lines))


def varied(evidence: Evidence, run: str) -> tuple[str, ...]:
    """Return the settings in which the conditions of a run differ."""
    recorded = list(evidence.settings.get(run, {}).values())
    names = dict.fromkeys(name for one in recorded for name in one)
    return tuple(name for name in names if len({str(one.get(name)) for one in recorded}) > 1)


def trials(evidence: Evidence) -> dict[str, int]:
    """Return how many trials of tuning each run recorded, of those that recorded any."""
    found = {}
    for run, conditions in evidence.settings.items():
        counts = [v for one in conditions.values() for key, v in one.items() if "trial" in key and isinstance(v, int)]
        if counts:
            found[run] = sum(counts)
    return found
