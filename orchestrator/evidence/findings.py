"""Comparisons in words, all of them ours: a writer names two runs and a metric, the verdict says the rest. Pure.

Words are plain text; `references` sets them for TeX. A finding belongs to a frozen hypothesis; any other difference is
exploratory and has a value and an interval, no verdict.
"""

from __future__ import annotations

import re

from orchestrator.evidence.compare import difference
from orchestrator.evidence.entries import UnknownReference, points, words
from orchestrator.evidence.samples import run_called
from orchestrator.evidence.syntax import near
from orchestrator.records import Evidence, Hypothesis, Verdict
from orchestrator.typography import plain_p, signed_range

UNDECIDED = "undecided"


def change_words(evidence: Evidence, arm: str, reference: str, metric: str) -> str:
    """Return the signed difference `arm` minus `reference` with its 95 % interval, or why there is none."""
    verdict = find_verdict(evidence, arm, reference, metric) or _exploratory(evidence, arm, reference, metric)
    if verdict.difference is None:
        return f"not comparable: {verdict.reason}"
    return _size(verdict, evidence, _test(verdict))


def finding_words(evidence: Evidence, arm: str, reference: str, metric: str) -> str:
    """Return the whole comparative statement of a frozen hypothesis; UnknownReference where none compares these."""
    verdict = find_verdict(evidence, arm, reference, metric)
    if verdict is None:
        raise UnknownReference(_no_hypothesis(evidence, arm, reference, metric))
    return _sentence(verdict, evidence)


def outcome_words(evidence: Evidence, name: str) -> str:
    """Return what became of a hypothesis: confirmed, contradicted, not supported, or undecided and why."""
    verdict = _verdict_on(evidence, name)
    if verdict.outcome == UNDECIDED:
        return f"undecided ({verdict.reason})"
    return str(verdict.outcome)


def detectable_words(evidence: Evidence, name: str) -> str:
    """Return the smallest difference that the test of a hypothesis finds with 80 % power."""
    verdict = _verdict_on(evidence, name)
    return "not known, since it could not be tested" if verdict.detectable is None else f"{verdict.detectable:.2g}"


def details(verdict: Verdict, evidence: Evidence) -> str:
    """Return how a hypothesis was judged, for the table of outcomes: size, test, what could have been detected."""
    if verdict.difference is None:
        return ""  # the outcome says why
    found = f"80 % power for a difference of {verdict.detectable:.2g}" if verdict.detectable is not None else ""
    parts = [_size(verdict, evidence) + _p(verdict, evidence), verdict.test]
    return "; ".join(part for part in (*parts, found, verdict.reason) if part)


def find_verdict(evidence: Evidence, arm: str, reference: str, metric: str) -> Verdict | None:
    """Return the verdict of the frozen hypothesis on this pair, in this order, and metric."""
    # A verdict names a run that never succeeded, and what it was to be compared with, as the plan does.
    wanted = (_resolved(evidence, arm), _resolved(evidence, reference), metric)
    told = [verdict for verdict in evidence.verdicts if verdict.hypothesis]
    return next(
        (v for v in told if (_resolved(evidence, v.arm), _resolved(evidence, v.reference), v.metric) == wanted), None
    )


def _exploratory(evidence: Evidence, arm: str, reference: str, metric: str) -> Verdict:
    for name in (arm, reference):
        points(evidence, name)
    if metric not in {spec.name for spec in evidence.metrics}:
        raise UnknownReference(f"no metric `{metric}`; {near(metric, [spec.name for spec in evidence.metrics])}")
    return difference(evidence, (arm, reference), metric, evidence.equal_settings)


def _verdict_on(evidence: Evidence, name: str) -> Verdict:
    verdicts = {verdict.hypothesis: verdict for verdict in evidence.verdicts if verdict.hypothesis}
    if name not in verdicts:
        raise UnknownReference(f"no verdict on `{name}`; {near(name, list(verdicts))}")
    return verdicts[name]


def _sentence(verdict: Verdict, evidence: Evidence) -> str:
    arm, reference = (_called(evidence, name) for name in (verdict.arm, verdict.reference))
    metric = words(verdict.metric, evidence.metrics)
    if verdict.difference is None:
        return f"{arm} cannot be compared with {reference} in {metric}: {verdict.reason}"
    size = f"({_size(verdict, evidence, _test(verdict))}{_p(verdict, evidence)})"
    if verdict.verdict == "inconclusive":
        return f"{arm} shows no detectable difference from {reference} in {metric} {size}, which is no equivalence"
    if verdict.verdict == "equivalent":
        margin = next(spec.smallest_effect for spec in evidence.metrics if spec.name == verdict.metric)
        return f"{arm} and {reference} are equivalent in {metric} within {margin:g} {size}"
    judged = f", which is {verdict.verdict}" if verdict.verdict in ("better", "worse") else ""
    side = "lower" if verdict.difference < 0 else "higher"
    return f"{arm} has a {side} {metric} than {reference} {size}{judged}{_small(verdict, evidence)}"


def _small(verdict: Verdict, evidence: Evidence) -> str:
    margin = next((spec.smallest_effect for spec in evidence.metrics if spec.name == verdict.metric), None)
    if margin is None or verdict.interval is None or max(map(abs, verdict.interval)) >= margin:
        return ""
    return f", though by less than the smallest interesting effect of {margin:g}"


def _p(verdict: Verdict, evidence: Evidence) -> str:
    """The p value of what was asked, and of that alone: beside another verdict it would be misread."""
    asked = {one.id: one.direction for one in evidence.hypotheses}.get(verdict.hypothesis or "")
    if verdict.p is None or (asked != "equivalent" and verdict.verdict == "equivalent"):
        return ""
    return f", adjusted {plain_p(verdict.p)}{' for equivalence' if asked == 'equivalent' else ''}"


def _test(verdict: Verdict) -> str:
    """The test's name alone; the table of outcomes has it in full."""
    name = re.split(r" with | of |[,;]", verdict.test)[0]
    return f", {name}" if name else ""


def _size(verdict: Verdict, evidence: Evidence, test: str = "") -> str:
    if verdict.difference is None or verdict.interval is None:
        return f"not comparable: {verdict.reason}"
    value, low, high = signed_range(verdict.difference, *verdict.interval)
    matched = f" at matched {words(verdict.matched_on, evidence.metrics)}" if verdict.matched_on else ""
    kind = "" if verdict.hypothesis else ", exploratory"
    joint = "joint " if verdict.hypothesis else ""
    return f"{value}, {joint}95 % CI {low} to {high}{matched}{test}{kind}"


def _called(evidence: Evidence, name: str) -> str:
    run, at, condition = name.partition("@")
    planned = evidence.runs.get(run, run)
    called = "the baseline" if planned == "baseline" else f"the {planned.replace('_', ' ')} run"
    return f"{called} at {condition}" if at else called


def _resolved(evidence: Evidence, name: str) -> str:
    run, at, condition = name.partition("@")
    return (run_called(evidence, run) or run) + at + condition


def _no_hypothesis(evidence: Evidence, arm: str, reference: str, metric: str) -> str:
    if find_verdict(evidence, reference, arm, metric):
        return f"the hypothesis compares `{reference}` with `{arm}`, in that order"
    listed = ", ".join(
        f"\\finding{{{v.arm}}}{{{v.reference}}}{{{v.metric}}}" for v in evidence.verdicts if v.hypothesis
    )
    return f"no frozen hypothesis compares these; there are {listed or 'none'}; \\change says a difference alone"


def hypothesis_verdicts(evidence: Evidence) -> list[tuple[Hypothesis, Verdict]]:
    """Return each hypothesis with its verdict, in order."""
    verdicts = {verdict.hypothesis: verdict for verdict in evidence.verdicts}
    return [(one, verdicts[one.id]) for one in evidence.hypotheses if one.id in verdicts]
