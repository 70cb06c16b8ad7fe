"""The limitations of a study, from evidence and journal: the values for `limitations.tex.j2`. Pure."""

from __future__ import annotations

from orchestrator.evidence.entries import words
from orchestrator.evidence.findings import detectable_words, hypothesis_verdicts
from orchestrator.paper.account import Account, Attempt, trials, varied
from orchestrator.records import Evidence
from orchestrator.typography import escape, tex_scalar

MINUTE_S = 60.0
HOUR_S = 3600.0


def values(evidence: Evidence, account: Account) -> dict[str, object]:
    """Return what the template sets, as LaTeX."""
    scale = {name: value for name, value in account.profile.items() if name not in ("name", "seeds")}
    return {
        "template": escape(account.template),
        "profile": escape(str(account.profile.get("name", ""))),
        "scale": [f"{escape(name.replace('_', ' '))} {tex_scalar(value)}" for name, value in scale.items()],
        "seeds": evidence.counts.get("seeds", 0),
        "detectable": [
            f"{one.id}: {escape(detectable_words(evidence, one.id))} in {escape(words(one.metric, evidence.metrics))}"
            for one, _ in hypothesis_verdicts(evidence)
        ],
        "attempts": len(account.attempts),
        "rejected": [f"{escape(one.name)} (\\texttt{{{escape(one.label)}}})" for one in _rejected(account)],
        "given_up": [escape(name) for name in account.given_up],
        "conditions": [_conditions(evidence, run) for run in evidence.runs],
        "trials": [f"\\texttt{{{escape(run)}}} {count}" for run, count in trials(evidence).items()],
        "wall": duration(account.wall_s),
        "cpu": duration(account.cpu_s),
        "device": escape(account.device),
        "later": [f"{one.id} (after {one.frozen_after} runs)" for one in evidence.hypotheses if one.frozen_after],
        "struck": account.struck,
        "edited": [escape(name.replace("_", " ")) for name in account.edited],
        "typed": [escape(name.replace("_", " ")) for name in account.typed],
    }


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it."""
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.1f}~s"
    return f"{seconds / MINUTE_S:.1f}~min" if seconds < 2 * HOUR_S else f"{seconds / HOUR_S:.1f}~h"


def _rejected(account: Account) -> list[Attempt]:
    return [attempt for attempt in account.attempts if not attempt.accepted]


def _conditions(evidence: Evidence, run: str) -> str:
    count = len(evidence.settings.get(run, {}))
    differing = varied(evidence, run)
    by = f", which differ in {escape(', '.join(differing))}" if differing else ""
    return f"{escape(evidence.runs[run].replace('_', ' '))} in {count} condition{'s' * (count != 1)}{by}"
