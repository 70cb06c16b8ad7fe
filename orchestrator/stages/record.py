"""Stage `record`: what a run showed goes into the notes, and the plan is looked at again."""

from __future__ import annotations

from pydantic import Field

from orchestrator import notes, prompts
from orchestrator.errors import GroundworkError
from orchestrator.evidence.faults import signature
from orchestrator.evidence.references import typed_result
from orchestrator.leftovers import read_log
from orchestrator.records import Edit, Plan, PlannedRun, Record, Run
from orchestrator.study import AnswerRefused, Study, ask, json_block

MAX_TRIES = 4
MAX_REMAINING = 8


class RecordAnswer(Record):
    """The form of the model's answer. `remaining` replaces the runs still to be made; null keeps them."""

    notes: str = Field(min_length=1, max_length=3000)
    remaining: tuple[PlannedRun, ...] | None = Field(default=None, max_length=MAX_REMAINING)


def record_run(run: Run, plan: Plan, study: Study) -> Plan:
    """Return the plan after `run`; raises GroundworkError where the baseline itself fails."""

    def make() -> Plan:
        study.backends.screen.stage("record", f"{run.step.label} {'accepted' if run.accepted else 'rejected'}")
        for finding in run.findings:
            study.backends.screen.note(f"  {finding.severity}: {finding.message}")
        return _after_success(run, plan, study) if run.accepted else _after_failure(run, plan, study)

    after = study.workspace.journal.once("record", run.step.label, Plan, make)
    study.workspace.write("notes.txt", notes.render(study.workspace, study.setting.template, study.provenance))
    return after


def _after_success(run: Run, plan: Plan, study: Study) -> Plan:
    remaining = plan.runs[1:] if run.step.planned else plan.runs
    accepted = [one for one in study.workspace.journal.all("execute", Run) if one.accepted]
    shown = [notes.describe_run(one, study.workspace, study.setting.template) for one in (accepted[0], run)]
    prompt = prompts.render(
        "record",
        run=run,
        shown="\n\n".join(dict.fromkeys(shown)),
        hypotheses=plan.hypotheses,
        remaining=remaining,
    )
    answer = ask(study, "record", run.step.label, prompt, lambda text: _parse(text, run, study))
    if answer.remaining is not None:
        remaining = answer.remaining
    return plan.model_copy(
        update={
            "runs": remaining,
            "number": plan.number + 1,
            "attempt": 1,
            "tries": 1,
            "prose": answer.notes.strip(),
        }
    )


def _after_failure(run: Run, plan: Plan, study: Study) -> Plan:
    if run.step.planned is None:
        why = "; ".join(finding.message for finding in run.findings)
        folder = study.workspace.path(run.path)
        raise GroundworkError(f"{folder}: the unedited baseline fails, so nothing can be compared: {why}")
    again = _failed_before(run, study)
    if plan.tries < MAX_TRIES and not again:
        return plan.model_copy(update={"attempt": plan.attempt + 1, "tries": plan.tries + 1, "prose": ""})
    _restore(study)
    why = ": the same failure came again, after it had been explained" if again else ""
    prose = f"'{run.step.planned.name}' was given up after {plan.tries} attempts{why}."
    return plan.model_copy(update={"runs": plan.runs[1:], "attempt": plan.attempt + 1, "tries": 1, "prose": prose})


def _failed_before(run: Run, study: Study) -> bool:
    """True where an earlier attempt at the same planned run failed in the same way."""
    attempts = [r for r in study.workspace.journal.all("execute", Run) if not r.accepted and r.step != run.step]
    earlier = [r for r in attempts if r.step.planned == run.step.planned and r.step.number == run.step.number]
    return _signature(run, study) in {_signature(r, study) for r in earlier}


def _signature(run: Run, study: Study) -> tuple[str, str, str]:
    error = next(finding for finding in run.findings if finding.severity == "error")
    return signature(error, read_log(study.workspace.root, f"{run.path}/stderr.log") if run.process else "")


def _restore(study: Study) -> None:
    """Put back the code of the last accepted run, so that the next run doesn't build on a hopeless one."""
    journal, workspace = study.workspace.journal, study.workspace
    accepted = [run for run in journal.all("execute", Run) if run.accepted]
    edit = journal.find("edit", accepted[-1].step.label, Edit)
    if edit is not None:
        workspace.write(edit.path, workspace.text_at(edit.commit, edit.path))


def _parse(text: str, run: Run, study: Study) -> RecordAnswer:
    answer = json_block(text, RecordAnswer)
    if "://" in answer.notes:
        raise AnswerRefused("The notes hold an address. Name sources by the library's keys, and nothing else.")
    number = typed_result(answer.notes)
    if number:
        raise AnswerRefused(
            f"The notes hold `{number}`. Tables are rendered from files; write about them without numbers."
        )
    done = {r.step.planned.name for r in study.workspace.journal.all("execute", Run) if r.step.planned and r.accepted}
    names = [planned.name for planned in answer.remaining or ()]
    if len(set(names)) < len(names) or done & set(names) or (run.step.planned and run.step.planned.name in names):
        raise AnswerRefused("A run in `remaining` has a name that was used before; give it another.")
    return answer
