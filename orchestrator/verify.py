"""`launch.py verify`: derives a folder's evidence from its files again, repeats the gate, looks for every
sentence of the paper in what was typeset, and says what differs.

Nothing of the folder is executed, and neither the template nor its environment is needed. The folder may come from
anybody, so that every file in it is read as something that untrusted code left.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.attempts import accepted, attempts
from orchestrator.citing import library_of
from orchestrator.errors import BadInput, GroundworkError
from orchestrator.evidence.assemble import assemble
from orchestrator.evidence.audit import FILE, Audit, PaperAudit, RunAudit, differences, touched
from orchestrator.evidence.baseline import invalid_baseline
from orchestrator.evidence.facts import FACTS, GradedRun, RunFacts
from orchestrator.evidence.gate import check_run, check_values
from orchestrator.evidence.metrics import Source, collect
from orchestrator.evidence.paper_audit import PAPER, PaperFiles, audit_paper
from orchestrator.journal import Journal
from orchestrator.leftovers import LeftoverRefused, read_leftover
from orchestrator.manuscript import standing
from orchestrator.observing import SEAL, Seal
from orchestrator.paper.bib import Library
from orchestrator.paper.pieces import digest, placed
from orchestrator.records import Evidence, EvidenceEntry, Figure, FinalInfo, Finding, Plan, Record, Run, Section

M = TypeVar("M", bound=BaseModel)

RECORD_BYTES = 64 * 1024 * 1024
ARTEFACT_BYTES = 2 * 1024 * 1024 * 1024
TEST = "test_info.json"
REPORT = "audit.json"
BIBLIOGRAPHY = "latex/references.bib"
UNSET = "LaTeX could not set this part, and it is shown as it was typed; no reference in it is expanded"
EMPTY = Evidence(entries=(), runs={}, settings={}, counts={}, hypotheses=(), metrics=())


class _Left(Record):
    """The journal's word on what a stage left. What is not needed here is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Plotted(_Left):
    """The figures of the paper."""

    figures: tuple[Figure, ...]


class Written(_Left):
    """The sections as they were cited, with their hashes."""

    sections: tuple[Section, ...]


class Typeset(_Left):
    """The hashes of the PDF and of the files that it was made from; `typed` are pieces that are shown as typed."""

    sha256: str
    sources: dict[str, str] = {}
    typed: tuple[str, ...] = ()


class Frozen(_Left):
    """The records of what may be cited, with the hash of their file."""

    file: str
    sha256: str


class Sealed(Record):
    """The journal's word on evidence.json (what the stage `confirm` leaves there)."""

    file: str
    sha256: str


def verify(folder: Path) -> Audit:
    """Return what an idea folder's files say; BadInput, in one line, where they can't be read."""
    try:
        read_leftover(folder, "journal.jsonl", RECORD_BYTES)
        return _audit(folder, Journal(folder / "journal.jsonl", writable=False))
    except LeftoverRefused as refused:
        raise BadInput(f"{folder}: {refused}") from refused
    except BadInput:
        raise
    except GroundworkError as error:
        raise BadInput(str(error)) from error
    except (OSError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        # what nobody wrote by hand: records that fit their form and mean nothing together
        raise BadInput(f"{folder}: cannot be read: {' '.join(str(error).split())[:200]}") from error


def keep(audit: Audit, folder: Path) -> str:
    """Write `audit.json`; return '' or why it could not be written. A link that lies there is replaced."""
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".audit-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(audit.model_dump_json(indent=1))
        Path(name).replace(folder / REPORT)
    except OSError as error:
        return f"{folder / REPORT}: cannot be written: {error.strerror}"
    return ""


def _audit(folder: Path, journal: Journal) -> Audit:
    runs = accepted(journal)
    confirmed = journal.find("confirm", "", Sealed)
    kept, comparison = EMPTY, []
    if confirmed is None:
        message = "the idea is not finished: there is no evidence.json to compare, and no metric's range was checked"
        comparison.append(Finding(code="unconfirmed", severity="note", message=message, where=FILE))
    else:
        kept = _parse(folder, FILE, Evidence)
        if _sha256(folder, FILE) != confirmed.sha256:
            comparison.append(_error("tampered", f"{FILE} is not the file that was written after the last run", FILE))
    graded = [_graded(folder, journal, run) for run in runs]
    audits = []
    for index, run in enumerate(graded):
        found = check_run(run, graded[:index], kept)
        found = invalid_baseline(found) if index == 0 else found
        kept_files = (*_sealed(folder, journal, runs[index], kept), *_artefacts(folder, run))
        tests = _tested(folder, run, kept) if confirmed else ()
        audits.append(RunAudit(number=runs[index].step.number, findings=(*found, *kept_files, *tests)))
    if confirmed is None:
        return Audit(folder=str(folder), runs=tuple(audits), comparison=tuple(comparison))
    derived = _derived(folder, journal, graded, kept)
    comparison += differences(kept, derived)
    paper = _paper(folder, journal, kept, derived)
    return Audit(folder=str(folder), runs=tuple(audits), comparison=tuple(comparison), paper=paper)


def _paper(folder: Path, journal: Journal, kept: Evidence, derived: Evidence) -> PaperAudit:
    """Look at the paper as far as there is one: its files by their hashes, then every sentence."""
    written, typeset = journal.find("cite", "", Written), journal.find("compile", "", Typeset)
    plotted = journal.find("plot", "", Plotted)
    if written is None or typeset is None or plotted is None:
        return PaperAudit()
    sections = standing(written.sections, journal)
    sealed = {one.path: one.sha256 for one in sections} | typeset.sources
    pdf = {"paper.pdf": typeset.sha256} if typeset.sha256 else {}
    frozen = journal.find("search", "", Frozen)
    citable = {frozen.file: frozen.sha256} if frozen else {}
    findings = tuple(_changed(folder, sealed | pdf | citable))
    if any(finding.code == "missing" for finding in findings):
        return PaperAudit(findings=findings)
    if frozen and not findings:
        findings = tuple(_uncitable(folder, frozen.file))
    read_leftover(folder, BIBLIOGRAPHY, RECORD_BYTES)
    found = {
        (one.name, n): (piece, place)
        for one in sections
        for n, (piece, place) in enumerate(placed(_text(folder, one.path), one.path))
    }
    unset = [place for piece, place in found.values() if digest(piece) in typeset.typed]
    findings += tuple(
        Finding(code="shown-as-typed", severity="warning", message=UNSET, where=f"{place.path}:{place.line}")
        for place in unset
    )
    files = PaperFiles(
        texts={key: piece.source for key, (piece, place) in found.items() if place not in unset},
        places={key: place for key, (_, place) in found.items()},
        document=_text(folder, PAPER),
        citation_keys=Library.read(folder / BIBLIOGRAPHY).keys,
    )
    figures = {"figures": plotted.figures}
    audit = audit_paper(files, kept.model_copy(update=figures), derived.model_copy(update=figures))
    return audit.model_copy(update={"findings": (*findings, *audit.findings)})


def _changed(folder: Path, sealed: dict[str, str]) -> Iterator[Finding]:
    for path, sha256 in sealed.items():
        if not os.path.lexists(folder / path):
            yield _error("missing", f"{path} is gone, so that the paper can't be checked", path)
        elif _sha256(folder, path) != sha256:
            yield _error("tampered", f"{path} is not the file that this idea's paper was made with", path)


def _uncitable(folder: Path, records: str) -> Iterator[Finding]:
    """The entries of the bibliography that are not those of frozen records."""
    frozen = library_of(_text(folder, records), folder / records)
    written = Library.parse(_text(folder, BIBLIOGRAPHY), folder / BIBLIOGRAPHY)
    for key in written.keys:
        if key not in frozen.keys or written.select([key]) != frozen.select([key]):
            yield _error("uncitable", f"the entry {key} is not that of a source's frozen record", BIBLIOGRAPHY)


def _text(folder: Path, path: str) -> str:
    return read_leftover(folder, path, RECORD_BYTES).decode()


def _graded(folder: Path, journal: Journal, run: Run) -> GradedRun:
    name = run.step.run
    info = _parse(folder, f"{name}/final_info.json", FinalInfo)
    sealed = journal.find(SEAL, run.step.label, Seal)
    facts = _parse(folder, f"{name}/{FACTS}", RunFacts) if sealed else RunFacts(seeds=_seeds(info))
    return GradedRun(name, run.step.planned, info, facts)


def _seeds(info: FinalInfo) -> tuple[int, ...]:
    """Stand-ins for the seeds of a run that was recorded without facts."""
    lengths = [len(values) for condition in info.root.values() for values in condition.final_info_dict.values()]
    return tuple(range(max(lengths, default=0)))


def _sealed(folder: Path, journal: Journal, run: Run, kept: Evidence) -> tuple[Finding, ...]:
    name = run.step.run
    seal = journal.find(SEAL, run.step.label, Seal)
    if seal is None:
        message = f"{name} was recorded without hashes of its files, so a later change would not show"
        return (Finding(code="unsealed", severity="warning", message=message, where=name),)
    later = [other for other in kept.runs if int(other.partition("_")[2] or 0) > run.step.number]
    changed = [path for path, sha256 in seal.files.items() if _sha256(folder, path) != sha256]
    what = f"the gate and the notes on {name}, and what {', '.join(later) or 'no later run'} was given, rest on it"
    return tuple(_error("tampered", f"{path} changed since {name} was graded: {what}", path) for path in changed)


def _artefacts(folder: Path, run: GradedRun) -> tuple[Finding, ...]:
    found = []
    for name, sha256 in run.facts.artefacts.items():
        path = f"{run.name}/{name}"
        if not os.path.lexists(folder / path):
            message = f"{path} is gone, so that {run.name} can't be graded again"
            found.append(Finding(code="missing", severity="warning", message=message, where=path))
        elif sha256 and _sha256(folder, path, ARTEFACT_BYTES) != sha256:
            message = f"{path} changed since {run.name} was graded, so its results are not those of these weights"
            found.append(_error("tampered", message, path))
    return tuple(found)


def _tested(folder: Path, run: GradedRun, kept: Evidence) -> tuple[Finding, ...]:
    path = f"{run.name}/{TEST}"
    found = check_values(_parse(folder, path, FinalInfo), kept, len(run.facts.seeds), path)
    written = {entry.sha256 for entry in kept.entries if entry.file == path}
    if written == {_sha256(folder, path)}:
        return found
    message = f"{path} is not the file that was graded; {touched(kept, run.name, path) or 'no entry rests on it'}"
    return (*found, _error("tampered", message, path))


def _derived(folder: Path, journal: Journal, graded: list[GradedRun], kept: Evidence) -> Evidence:
    """Return the evidence that the files give: the metrics' declarations are the only thing taken from what was kept.

    A run whose test results can't be used has no entries, so that each of them is reported as standing in no file.
    """
    results = {run.name: _parse(folder, f"{run.name}/{TEST}", FinalInfo) for run in graded}
    entries = tuple(entry for run in graded for entry in _measured(folder, run, results[run.name], kept))
    plans = [*journal.all("plan", Plan), *journal.all("record", Plan), *journal.all("stop", Plan)]
    hypotheses = max(plans, key=lambda plan: plan.number).hypotheses if plans else ()
    return assemble(entries, attempts(journal), results, hypotheses, kept)


def _measured(folder: Path, run: GradedRun, info: FinalInfo, kept: Evidence) -> tuple[EvidenceEntry, ...]:
    path = f"{run.name}/{TEST}"
    if any(finding.severity == "error" for finding in check_values(info, kept, len(run.facts.seeds), path)):
        return ()
    return collect(info, Source(run.name, path, _sha256(folder, path), "test", run.facts.seeds), kept)


def _parse(folder: Path, path: str, record: type[M]) -> M:
    content = read_leftover(folder, path, RECORD_BYTES)
    try:
        return record.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{folder / path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error


def _sha256(folder: Path, path: str, limit_bytes: int = RECORD_BYTES) -> str:
    return hashlib.sha256(read_leftover(folder, path, limit_bytes)).hexdigest()


def _error(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity="error", message=message, where=where)
