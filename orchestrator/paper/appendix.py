"""What a paper stands on: entries, comparisons, settings, attempts, changed code, for `appendix.tex.j2`. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from string import ascii_uppercase

from orchestrator.evidence.compare import difference
from orchestrator.evidence.entries import words
from orchestrator.evidence.findings import details, find_verdict
from orchestrator.evidence.syntax import read
from orchestrator.paper.account import Account, Attempt, Change, varied
from orchestrator.records import Evidence, EvidenceEntry, Scalar, Verdict
from orchestrator.typography import breakable, code, escape, tex_interval, tex_scalar, typeset_words

HASH_DIGITS = 12
# What fits a line of the page in the size of the appendix' code.
CODE_COLUMNS = 98


def values(evidence: Evidence, numbers: tuple[int, ...], texts: Iterable[str], account: Account) -> dict[str, object]:
    """Return what the template sets, as LaTeX. `numbers` are the entries that the paper prints, from 1."""
    chosen = {number: evidence.entries[number - 1] for number in numbers}
    letters = _letters(chosen.values())
    return {
        "metrics": [{"name": escape(m.name), "words": escape(_defined(m.words, m.unit))} for m in evidence.metrics],
        "rows": [_row(number, entry, letters) for number, entry in chosen.items()],
        "seeds": [{"letter": letter, "numbers": ", ".join(map(str, seeds))} for seeds, letter in letters.items()],
        "comparisons": [_comparison(verdict, evidence) for verdict in compared(texts, evidence)],
        "settings": [line for run in evidence.runs for line in _settings(run, evidence)],
        "attempts": [_attempt(attempt) for attempt in account.attempts],
        "changes": [_change(change) for change in account.changes],
    }


def compared(texts: Iterable[str], evidence: Evidence) -> list[Verdict]:
    """Return the verdicts on all hypotheses, then every exploratory difference that a section prints, once."""
    named = dict.fromkeys(r.arguments for text in texts for r in read(text).references if r.name == "change")
    others = [
        difference(evidence, (arm, reference), metric, evidence.equal_settings)
        for arm, reference, metric in named
        if find_verdict(evidence, arm, reference, metric) is None
    ]
    return [*(verdict for verdict in evidence.verdicts if verdict.hypothesis), *others]


def _row(number: int, entry: EvidenceEntry, letters: dict[tuple[int, ...], str]) -> dict[str, str]:
    half = None if entry.interval is None else (entry.interval[1] - entry.interval[0]) / 2
    return {
        "number": str(number),
        "value": tex_interval(entry.value, half),
        "file": breakable(entry.file),
        "key": breakable(entry.key),
        "seeds": letters[entry.seeds],
        "sha256": entry.sha256[:HASH_DIGITS],
    }


def _letters(entries: Iterable[EvidenceEntry]) -> dict[tuple[int, ...], str]:
    """Name each set of seeds by a letter: most papers have one, and it is too long for a column."""
    distinct = dict.fromkeys(entry.seeds for entry in entries)
    return {seeds: ascii_uppercase[n] if n < len(ascii_uppercase) else f"Z{n}" for n, seeds in enumerate(distinct)}


def _defined(meaning: str, unit: str) -> str:
    return f"{meaning} (in {unit})" if unit else meaning


def _comparison(verdict: Verdict, evidence: Evidence) -> dict[str, str]:
    arm, reference = (rf"\texttt{{{breakable(name)}}}" for name in (verdict.arm, verdict.reference))
    said = details(verdict, evidence) or f"not comparable: {verdict.reason}"
    level = f"; level {verdict.level:g}" if verdict.difference is not None else ""
    return {
        "name": verdict.hypothesis or "",
        "what": f"{arm} minus {reference} in {escape(words(verdict.metric, evidence.metrics))}",
        "how": typeset_words(said) + level,
        "verdict": escape(verdict.verdict or ""),
    }


def _settings(run: str, evidence: Evidence) -> list[dict[str, str]]:
    """What a run's conditions have in common, then what each has alone."""
    recorded, apart = evidence.settings.get(run, {}), set(varied(evidence, run))
    shared = {k: v for one in list(recorded.values())[:1] for k, v in one.items() if k not in apart}
    name = f"{escape(evidence.runs[run].replace('_', ' '))} (\\texttt{{{escape(run)}}})"
    lines = [{"name": name, "values": _listed(shared)}]
    own = {c: {k: v for k, v in one.items() if k in apart} for c, one in recorded.items()} if apart else {}
    return lines + [{"name": rf"\texttt{{{breakable(c)}}}", "values": _listed(one)} for c, one in own.items()]


def _listed(settings: dict[str, Scalar]) -> str:
    return ", ".join(f"{escape(name.replace('_', ' '))}~{tex_scalar(value)}" for name, value in settings.items())


def _attempt(attempt: Attempt) -> dict[str, str]:
    return {
        "label": escape(attempt.label),
        "name": escape(attempt.name.replace("_", " ")),
        "how": "accepted" if attempt.accepted else "rejected",
        "findings": "; ".join(breakable(" ".join(finding.split())) for finding in attempt.findings),
    }


def _change(change: Change) -> dict[str, object]:
    lines = [part for line in change.lines[2:] for part in _folded(line)]
    return {
        "name": f"{escape(change.name.replace('_', ' '))} (\\texttt{{{escape(change.run)}}})",
        "lines": [{"mark": {"+": "added", "-": "removed"}.get(line[:1], "kept"), "text": code(line)} for line in lines],
    }


def _folded(line: str) -> list[str]:
    """Break a line that is too long for the page; what goes on is indented under its mark."""
    parts = textwrap.wrap(
        line.expandtabs(4),
        CODE_COLUMNS,
        subsequent_indent=f"{line[:1]}        ",
        replace_whitespace=False,
        drop_whitespace=False,
        break_on_hyphens=False,
    )
    return parts or [line]
