"""Evidence as it was kept beside evidence as it is derived again: what differs, and what that touches. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from orchestrator.evidence.samples import run_called
from orchestrator.records import Evidence, EvidenceEntry, Finding, Hypothesis, Record, Verdict

FILE = "evidence.json"
# Another machine's arithmetic may differ in the last digits; a changed digit before those is no arithmetic.
TOLERANCE = 1e-6


class RunAudit(Record):
    """What the gate, repeated, and the hashes say of one accepted run."""

    number: int
    findings: tuple[Finding, ...]


class PaperAudit(Record):
    """How many numbers the paper prints, and how many of them the result files give; zero before there is a paper."""

    numbers_checked: int = 0
    numbers_supported: int = 0
    findings: tuple[Finding, ...] = ()


class Audit(Record):
    """`audit.json`: what an idea folder's files say when everything is derived from them again."""

    folder: str
    runs: tuple[RunAudit, ...]
    comparison: tuple[Finding, ...]
    paper: PaperAudit = PaperAudit()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the file."""
        of_runs = [finding for run in self.runs for finding in run.findings]
        return (*of_runs, *self.comparison, *self.paper.findings)

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def differences(kept: Evidence, derived: Evidence) -> tuple[Finding, ...]:
    """Return a finding for everything in which `kept` is not what the folder's files give."""
    return (*_entries(kept, derived), *_verdicts(kept, derived), *_rest(kept, derived))


def touched(evidence: Evidence, run: str, file: str) -> str:
    """Say which entries rest on `file` of `run`, and which hypotheses on that run; '' where none does."""
    ids = [entry.id for entry in evidence.entries if entry.file == file]
    if not ids:
        return ""
    return f"on it rest {_listed(ids)}{_and_hypotheses(evidence, {run})}"


def _entries(kept: Evidence, derived: Evidence) -> Iterator[Finding]:
    ours, again = ({entry.id: entry for entry in evidence.entries} for evidence in (kept, derived))
    for name in sorted(ours.keys() | again.keys()):
        one, other = ours.get(name), again.get(name)
        if one is not None and other is not None and same(one.model_dump(), other.model_dump()):
            continue
        run = next(entry.run for entry in (one, other) if entry is not None)
        message = f"{name} {_how(one, other)}{_and_hypotheses(kept, {run})}"
        yield _error("evidence-differs", message, f"{FILE}#{name}")


def _how(one: EvidenceEntry | None, other: EvidenceEntry | None) -> str:
    if one is None or other is None:
        return "stands in no result file" if other is None else "is missing from evidence.json"
    fields = [name for name in type(one).model_fields if not same(getattr(one, name), getattr(other, name))]
    where = f"{other.file}#{other.key}"
    if "value" in fields:
        return f"is {one.value:.10g} in evidence.json and {other.value:.10g} from {where}"
    return f"has another {' and '.join(fields)} in evidence.json than what {where} gives"


def _verdicts(kept: Evidence, derived: Evidence) -> Iterator[Finding]:
    again = {verdict.hypothesis: verdict for verdict in derived.verdicts}
    before = {verdict.hypothesis: verdict for verdict in kept.verdicts}
    for name in sorted(str(name) for name in again.keys() | before.keys()):
        one, other = before.get(name), again.get(name)
        if one is None or other is None:
            lost = "evidence.json" if one is None else "what the files give"
            yield _error("verdict-differs", f"{name} has no verdict in {lost}", f"{FILE}#verdicts/{name}")
        elif not same(one.model_dump(), other.model_dump()):
            message = f"{name} is {_outcome(one)} in evidence.json and {_outcome(other)} from the result files"
            yield _error("verdict-differs", message, f"{FILE}#verdicts/{name}")


def _outcome(verdict: Verdict) -> str:
    difference = "" if verdict.difference is None else f", difference {verdict.difference:.6g}"
    p = "" if verdict.p is None else f", p = {verdict.p:.3g}"
    return f"'{verdict.outcome}' ({verdict.verdict}{difference}{p})"


def _rest(kept: Evidence, derived: Evidence) -> Iterator[Finding]:
    for name in ("runs", "settings", "counts", "hypotheses", "findings"):
        if not same(_plain(kept, name), _plain(derived, name)):
            message = f"the {name} in evidence.json are not those of the journal and the result files"
            yield _error("evidence-differs", message, f"{FILE}#{name}")


def _plain(evidence: Evidence, name: str) -> object:
    return evidence.model_dump()[name]


def same(one: object, other: object) -> bool:
    """True where two plain values are equal, floats to a relative difference of 1e-6."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def _and_hypotheses(evidence: Evidence, runs: set[str]) -> str:
    found = [hypothesis.id for hypothesis in evidence.hypotheses if _rests_on(hypothesis, evidence) & runs]
    return f", and so {_listed(found)}" if found else ""


def _rests_on(hypothesis: Hypothesis, evidence: Evidence) -> set[str]:
    """The runs of arm and reference; with a matched metric, the baseline's curve too."""
    names = [name.partition("@")[0] for name in (hypothesis.arm, hypothesis.reference)]
    matched = hypothesis.match or any(metric.match for metric in evidence.metrics if metric.name == hypothesis.metric)
    runs = {run_called(evidence, name) or name for name in names}
    return runs | {"run_0"} if matched else runs


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _error(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity="error", message=message, where=where)
