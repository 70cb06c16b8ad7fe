"""Stage `confirm`: the test part is scored, once, after the last run; `evidence.json` is what a paper may refer to."""

from __future__ import annotations

from orchestrator import notes
from orchestrator.errors import GroundworkError
from orchestrator.evidence.assemble import assemble
from orchestrator.evidence.metrics import Source, collect
from orchestrator.grading import grade
from orchestrator.records import Evidence, FinalInfo, Finding, Part, Plan, Record, Run
from orchestrator.study import Study

FILE = "evidence.json"
TEST = "test_info.json"


class Confirmed(Record):
    """Where the evidence lies, and its hash."""

    file: str
    sha256: str


def confirm(parts: dict[Part, str], plan: Plan, study: Study) -> Evidence:
    """Return the evidence of all accepted runs, scored on the test part; raises GroundworkError if one can't be."""

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
    runs = study.workspace.journal.all("execute", Run)
    accepted = [run for run in runs if run.accepted]
    graded = {run.step.run: _score(run, parts["test"], study) for run in accepted}
    entries = tuple(
        entry for name, info in graded.items() for entry in collect(info, _source(name, study), study.setting.template)
    )
    return assemble(entries, runs, graded, plan.hypotheses, study.setting.template)


def _score(run: Run, part: str, study: Study) -> FinalInfo:
    graded = grade(study, run.path, part, TEST)
    if isinstance(graded, Finding):
        raise GroundworkError(f"{graded.where}: {graded.message}")
    return graded


def _source(run: str, study: Study) -> Source:
    file = f"{run}/{TEST}"
    return Source(run=run, file=file, sha256=study.workspace.sha256(file), split="test", seeds=study.setting.seeds)
