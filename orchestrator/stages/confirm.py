"""Stage `confirm`: the test part is scored, once, after the last run; `evidence.json` is what a paper may refer to.

A run that is not what it was when it was graded, or that can't be graded on the test part, is withdrawn: it counts as
a rejected attempt, its hypotheses are undecided, and the paper is written from what stands.
"""

from __future__ import annotations

from orchestrator import attempts, notes, observing
from orchestrator.errors import GroundworkError
from orchestrator.evidence.assemble import assemble
from orchestrator.evidence.gate import check_values
from orchestrator.evidence.metrics import Source, collect
from orchestrator.grading import grade
from orchestrator.records import Evidence, EvidenceEntry, FinalInfo, Part, Plan, Record, Run
from orchestrator.study import Study

FILE = "evidence.json"
TEST = "test_info.json"


class Confirmed(Record):
    """Where the evidence lies, and its hash."""

    file: str
    sha256: str


def confirm(parts: dict[Part, str], plan: Plan, study: Study) -> Evidence:
    """Return the evidence of all runs that stand, scored on the test part; GroundworkError without a run_0."""

    def make() -> Confirmed:
        study.backends.screen.stage("confirm", "every accepted run is scored on the test part, once")
        evidence = _evidence(parts, plan, study)
        return Confirmed(file=FILE, sha256=study.workspace.write(FILE, evidence.model_dump_json(indent=1)))

    confirmed = study.workspace.journal.once("confirm", "", Confirmed, make)
    if study.workspace.sha256(FILE) != confirmed.sha256:
        raise GroundworkError(f"{study.workspace.path(FILE)}: changed since it was written; restore it to go on")
    study.workspace.write("notes.txt", notes.render(study.workspace, study.setting.template, study.provenance))
    return Evidence.model_validate_json(study.workspace.read(FILE))


def _evidence(parts: dict[Part, str], plan: Plan, study: Study) -> Evidence:
    journal = study.workspace.journal
    scored = {run.step.run: _score(run, parts["test"], study) for run in attempts.accepted(journal)}
    graded = {run: info for run, info in scored.items() if info is not None}
    seeds = {run.step.run: study.setting.seeds_for(run.step) for run in attempts.accepted(journal)}
    entries = tuple(entry for run, info in graded.items() for entry in _entries(run, info, seeds[run], study))
    return assemble(entries, attempts.attempts(journal), graded, plan.hypotheses, study.setting.template)


def _score(run: Run, part: str, study: Study) -> FinalInfo | None:
    """Return the test results of a run; None where it was withdrawn."""
    graded = observing.broken(study, run) or grade(study, run.path, part, TEST)
    if isinstance(graded, FinalInfo):
        where = f"{run.path}/{TEST}"
        found = check_values(graded, study.setting.template, len(study.setting.seeds_for(run.step)), where)
        graded = next((finding for finding in found if finding.severity == "error"), graded)
    if isinstance(graded, FinalInfo):
        return graded
    if run.step.planned is None:
        raise GroundworkError(f"{study.workspace.path(graded.where)}: {graded.message}; without run_0 nothing compares")
    attempts.withdraw(study.workspace.journal, run, graded)
    study.backends.screen.note(f"  {run.step.run} is withdrawn: {graded.message}")
    return None


def _entries(run: str, info: FinalInfo, seeds: tuple[int, ...], study: Study) -> tuple[EvidenceEntry, ...]:
    file = f"{run}/{TEST}"
    return collect(info, Source(run, file, study.workspace.sha256(file), "test", seeds), study.setting.template)
