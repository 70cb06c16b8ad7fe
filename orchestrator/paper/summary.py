"""What came of a study, in words of ours that no writer can leave out: under the title, in abstract and conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.evidence.findings import hypothesis_verdicts, outcome_words
from orchestrator.evidence.references import statement
from orchestrator.records import Evidence, Hypothesis
from orchestrator.typography import escape, typeset_words


@dataclass(frozen=True)
class Summary:
    """LaTeX: `subtitle` and `lead` are empty where a hypothesis was confirmed; `outcomes` a clause for each."""

    subtitle: str = ""
    lead: str = ""
    outcomes: Mapping[str, str] = field(default_factory=dict)


def summarise(evidence: Evidence, given_up: tuple[str, ...] = ()) -> Summary:
    """Return what title, abstract and conclusion have to say of the outcomes."""
    subtitle, lead = _failure(evidence, given_up)
    outcomes = {hypothesis.id: _clause(evidence, hypothesis) for hypothesis, _ in hypothesis_verdicts(evidence)}
    return Summary(escape(subtitle), escape(lead), outcomes)


def _failure(evidence: Evidence, given_up: tuple[str, ...]) -> tuple[str, str]:
    outcomes = [verdict.outcome for _, verdict in hypothesis_verdicts(evidence)]
    failed = f" (given up: {', '.join(name.replace('_', ' ') for name in given_up)})" if given_up else ""
    if not [run for run in evidence.runs if run != "run_0"]:
        return (
            "No result: no run besides the baseline succeeded",
            f"This study has no result: no run besides the baseline succeeded{failed}.",
        )
    if outcomes and set(outcomes) == {"undecided"}:
        return (
            "No result: every hypothesis is undecided",
            f"This study has no result: none of its hypotheses could be tested{failed}.",
        )
    if outcomes and "confirmed" not in outcomes:
        return "No hypothesis was confirmed", f"No hypothesis of this study was confirmed{failed}."
    return "", ""


def _clause(evidence: Evidence, hypothesis: Hypothesis) -> str:
    name = hypothesis.id
    said = escape(statement(hypothesis, evidence.metrics))
    outcome = typeset_words(outcome_words(evidence, name))
    return rf"\hyperlink{{comparison.{name}}}{{{name}}} ({said}): \textbf{{{outcome}}}"
