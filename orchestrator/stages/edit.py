"""Stage `edit`: the coder changes `experiment.py`; hashes and `ast`, not the coder, say whether it did."""

from __future__ import annotations

import ast

from orchestrator import packages, prompts
from orchestrator.attempts import attempts
from orchestrator.evidence.faults import report
from orchestrator.leftovers import read_log
from orchestrator.protocols import EditTask
from orchestrator.records import Edit, Finding, PlannedRun, Run, Step
from orchestrator.study import Study, asker, described

FILE = "experiment.py"
BASELINE = "baseline"


def edit_experiment(step: Step, study: Study) -> Edit:
    """Return the edit for `step`; run 0 is the template's own file, unedited."""

    def make() -> Edit:
        if step.planned is None:
            commit = study.workspace.commit(FILE, "Template's experiment.py")
            return Edit(path=FILE, commit=commit, sha256=study.workspace.sha256(FILE))
        study.backends.screen.stage("edit", f"{step.run} ({step.planned.name}), attempt {step.attempt}")
        return _as_before(step.planned, study) or _edit(step, study)

    return study.workspace.journal.once("edit", step.label, Edit, make)


def _as_before(planned: PlannedRun, study: Study) -> Edit | None:
    """Return the edit of an earlier run whose code is executed again as it stands; None where there is none to repeat.

    That is a run on fresh seeds, and one that was made in an environment that the idea no longer uses.
    """
    journal = study.workspace.journal
    made = attempts(journal)
    if planned.fresh:
        named = [run for run in made if run.accepted and _called(run) == planned.replicates]
    else:
        named = [run for run in made if _called(run) == planned.name][-1:]
        named = [run for run in named if run.withdrawn]
    if not named:
        return None
    edit = journal.find("edit", named[-1].step.label, Edit)
    if edit is not None:
        study.workspace.write(edit.path, study.workspace.text_at(edit.commit, edit.path))
    return edit


def _called(run: Run) -> str:
    return run.step.planned.name if run.step.planned else BASELINE


def _edit(step: Step, study: Study) -> Edit:
    before = study.workspace.read(FILE)
    task = EditTask(editable={FILE: before}, instruction=_instruction(step, study), edit_format=study.edit_format)
    reply = study.backends.coder.edit(task, asker(study, "edit", step.label))
    after = reply.files.get(FILE, before)
    findings = tuple(Finding(code="edit-refused", severity="error", message=why, where=FILE) for why in reply.refused)
    findings = findings or _judge(before, after)
    if findings:
        return Edit(path=FILE, findings=findings)
    sha256 = study.workspace.write(FILE, after)
    return Edit(path=FILE, commit=study.workspace.commit(FILE, f"Edit for {step.label}"), sha256=sha256)


def _judge(before: str, after: str) -> tuple[Finding, ...]:
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError) as error:
        return (Finding(code="syntax-error", severity="error", message=f"{FILE} does not parse: {error}", where=FILE),)
    if ast.dump(tree) == ast.dump(ast.parse(before)):
        message = (
            f"no statement of {FILE} was changed, so a run would only repeat the last one; make the edit asked for"
        )
        return (Finding(code="no-edit", severity="error", message=message, where=FILE),)
    return ()


def _instruction(step: Step, study: Study) -> str:
    last = attempts(study.workspace.journal)[-1]
    again = last.step.planned == step.planned and not last.accepted
    failed = _failure_report(last, study) if again else ""
    setting = described(study)
    return prompts.render("edit", step=step, idea=study.idea.model_dump(), setting=setting, failure=failed)


def _failure_report(run: Run, study: Study) -> str:
    stderr = read_log(study.workspace.root, f"{run.path}/stderr.log") if run.process else ""
    text = report(run, stderr, study.setting.limits, packages.installed(study.lock))
    refused = packages.refused(study)
    return f"{text}\nThe user was asked, and said no to: {', '.join(refused)}." if refused else text
