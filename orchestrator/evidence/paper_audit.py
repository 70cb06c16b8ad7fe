"""The paper beside the evidence: every reference derived again, and every sentence looked for in what was set. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.evidence.audit import PaperAudit, same
from orchestrator.evidence.compare import difference
from orchestrator.evidence.entries import UnknownReference, find, find_setting, points
from orchestrator.evidence.findings import find_verdict
from orchestrator.evidence.references import printed
from orchestrator.evidence.striking import Key, Place, SetSection, set_pieces, struck_findings
from orchestrator.evidence.syntax import Reference, read
from orchestrator.records import Evidence, EvidenceEntry, Finding, Verdict

PAPER = "latex/paper.tex"
NUMBERS = frozenset({"result", "measured", "setting", "count", "change", "finding", "detectable", "resultstable"})


@dataclass(frozen=True)
class PaperFiles:
    """What stands in the folder: the sections' pieces and where, the document that was typeset, and its keys."""

    texts: dict[Key, str]
    places: dict[Key, Place]
    document: str
    citation_keys: tuple[str, ...]


def audit_paper(files: PaperFiles, kept: Evidence, derived: Evidence) -> PaperAudit:
    """Return what the paper's sentences rest on: how many numbers there are, and how many the result files give."""
    finished = set_pieces(files.texts, kept, files.citation_keys)
    document, findings = _flat(files.document), list(struck_findings(finished, files.places))
    checked = supported = 0
    for key, section in finished.items():
        text, place = files.texts[key], files.places[key]
        references = _expanded(text, section)
        for sentence, latex in section.pieces:
            stands = _flat(latex) in document
            told = [one for one in references if sentence.start <= one.start < sentence.end]
            changed = [one for one in told if not same(_basis(one, kept), _basis(one, derived))]
            checked += sum(_numbers(one, kept) for one in told)
            supported += sum(_numbers(one, kept) for one in told if stands and one not in changed)
            where = f"{place.path}:{place.line + text.count(chr(10), 0, sentence.start)}"
            quote = text[sentence.start : sentence.end]
            if not stands:
                message = f"{PAPER} does not say this with what its references print"
                findings.append(_error("paper-differs", message, where, quote))
            if changed:
                message = "; ".join(_change(one, kept, derived) for one in changed)
                findings.append(_error("unsupported", message, where, quote))
    return PaperAudit(numbers_checked=checked, numbers_supported=supported, findings=tuple(findings))


def _expanded(text: str, section: SetSection) -> list[Reference]:
    """The references that the paper prints: none that stands in a struck sentence."""
    struck = [(one.start, one.end) for one in section.struck]
    return [one for one in read(text).references if not any(a <= one.start < b for a, b in struck)]


def _numbers(reference: Reference, evidence: Evidence) -> int:
    if reference.name == "resultstable":
        return len(_cells(reference, evidence))
    return int(reference.name in NUMBERS)


def _cells(reference: Reference, evidence: Evidence) -> list[EvidenceEntry]:
    rows = [row for name in reference.arguments[0].split(",") for row in points(evidence, name.strip())]
    wanted = {metric.strip() for metric in reference.arguments[1].split(",")}
    graded = [entry for entry in evidence.entries if entry.split != "self-reported" and entry.metric in wanted]
    return [entry for entry in graded if (entry.run, entry.condition) in rows]


def _basis(reference: Reference, evidence: Evidence) -> object:
    """What a reference rests on, in plain values; the text of why not, where the evidence lacks it."""
    name, arguments = reference.name, reference.arguments
    try:
        if name in ("result", "measured"):
            return _value(find(evidence, arguments[0], arguments[1], self_reported=name == "measured"))
        if name == "setting":
            return find_setting(evidence, arguments[0], arguments[1])
        if name == "resultstable":
            return [_value(entry) for entry in _cells(reference, evidence)]
        if name in ("change", "finding"):
            return _compared(evidence, *arguments).model_dump()
        return _of_study(name, arguments[0], evidence)
    except UnknownReference as error:
        return str(error)


def _of_study(name: str, what: str, evidence: Evidence) -> object:
    if name == "count":
        return evidence.counts.get(what)
    if name == "statement":
        return [one.model_dump() for one in evidence.hypotheses if one.id == what]
    if name in ("outcome", "detectable"):
        return [one.model_dump() for one in evidence.verdicts if one.hypothesis == what]
    return ""  # a figure: its file is checked by its hash


def _compared(evidence: Evidence, arm: str, reference: str, metric: str) -> Verdict:
    known = find_verdict(evidence, arm, reference, metric)
    if known is not None:
        return known
    for name in (arm, reference):
        points(evidence, name)
    return difference(evidence, (arm, reference), metric, evidence.equal_settings)


def _value(entry: EvidenceEntry) -> list[object]:
    return [entry.id, entry.value, entry.interval, entry.per_seed, entry.seeds]


def _change(reference: Reference, kept: Evidence, derived: Evidence) -> str:
    source = f"\\{reference.name}" + "".join(f"{{{one}}}" for one in reference.arguments[:3])
    if reference.name == "resultstable":
        before, after = _cells(reference, kept), {one.id: _value(one) for one in _cells(reference, derived)}
        ids = [one.id for one in before if not same(_value(one), after.get(one.id))]
        return f"the table holds {', '.join(ids) or 'other cells'}, which the result files give otherwise"
    one, other = _shown(reference, kept), _shown(reference, derived)
    if one == other:
        return f"{source} rests on a value that changed below the digits that it prints, {one}"
    return f"{source} is {one} in the paper and {other} from the result files"


def _shown(reference: Reference, evidence: Evidence) -> str:
    """What a reference prints, as plain text."""
    try:
        latex = printed(reference, evidence)
    except UnknownReference as error:
        return f"nothing ({error})"
    plain = re.sub(r"\\hyperlink\{[^{}]*\}", "", latex).replace(r"\pm", "+-").replace(r"\times", "x")
    return re.sub(r"\\(?:ensuremath|mbox|textsuperscript)|\\(?=%)|[{}]", "", plain)


def _flat(latex: str) -> str:
    return " ".join(latex.split())


def _error(code: str, message: str, where: str, quote: str) -> Finding:
    return Finding(code=code, severity="error", message=message, where=where, quote=quote)
