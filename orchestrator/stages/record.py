"""Stage `record`: what a run showed goes into the notes, and the plan is looked at again."""

from __future__ import annotations

from pydantic import Field

from orchestrator import attempts, notes, packages, prompts
from orchestrator.errors import GroundworkError
from orchestrator.evidence import fresh
from orchestrator.evidence.entries import UnknownReference, points
from orchestrator.evidence.faults import report, signature
from orchestrator.evidence.references import typed_result
from orchestrator.evidence.remarks import expand_remark, without_references
from orchestrator.leftovers import read_log
from orchestrator.records import Edit, Frozen, Hypothesis, Package, Plan, PlannedRun, Record, Run
from orchestrator.study import AnswerRefused, Study, ask, json_block

MAX_TRIES = 4
MAX_REMAINING = 8
MAX_LATER = 4


class RecordAnswer(Record):
    """The form of the model's answer. `remaining` replaces the runs still to be made; null keeps them."""

    notes: str = Field(min_length=1, max_length=3000)
    remaining: tuple[PlannedRun, ...] | None = Field(default=None, max_length=MAX_REMAINING)
    hypotheses: tuple[Hypothesis, ...] = Field(default=(), max_length=MAX_LATER)


class NeedsAnswer(Record):
    """The form of the answer after a failure for want of a package."""

    notes: str = Field(min_length=1, max_length=1000)
    needs: tuple[Package, ...] = Field(default=(), max_length=3)


def record_run(run: Run, plan: Plan, study: Study) -> Plan:
    """Return the plan after `run`; raises GroundworkError where the baseline itself fails.

    PackageNeeded where the model asks for a package on which the user has not decided.
    """

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
    following = {"runs": remaining, "number": plan.number + 1, "attempt": plan.first, "tries": 1, "prose": ""}
    if run.step.planned and run.step.planned.fresh:
        return plan.model_copy(update=following)  # its results are for the test, and nobody re-plans by them
    accepted = attempts.accepted(study.workspace.journal)
    shown = [notes.describe_run(one, study.workspace, study.setting.template) for one in (accepted[0], run)]
    explored = tuple(one for one in remaining if not one.fresh)
    text = "\n\n".join(dict.fromkeys(shown))
    prompt = prompts.render("record", run=run, shown=text, hypotheses=plan.hypotheses, remaining=explored)
    answer = ask(study, "record", run.step.label, prompt, lambda reply: _parse(reply, run, plan, study))
    following["prose"] = expand_remark(answer.notes.strip(), notes.on_dev(study.workspace, study.setting.template))
    explored = explored if answer.remaining is None else answer.remaining
    later = _freeze(answer.hypotheses, run, explored, study)
    runs = {one.name: one for one in (*explored, *(one for one in remaining if one.fresh), *later.runs)}
    following["runs"] = fresh.standing(tuple(runs.values()), _names(accepted))
    return plan.model_copy(update={**following, "hypotheses": (*plan.hypotheses, *later.hypotheses)})


def _freeze(asked: tuple[Hypothesis, ...], run: Run, explored: tuple[PlannedRun, ...], study: Study) -> Plan:
    """Return the later hypotheses as they are frozen now, and the runs on fresh seeds that test them."""
    made = attempts.accepted(study.workspace.journal)
    frozen = fresh.freeze(asked, len(made))
    planned = [one.step.planned for one in made if one.step.planned]
    runs = fresh.confirmatory(frozen, {one.name: one for one in (*planned, *explored)}, study.setting.template.metrics)
    if frozen:
        kept = Frozen(hypotheses=frozen, sha256=notes.frozen_hash(frozen))
        study.workspace.journal.once("freeze", run.step.label, Frozen, lambda: kept)
    return Plan(hypotheses=frozen, runs=runs)


def _after_failure(run: Run, plan: Plan, study: Study) -> Plan:
    if run.step.planned is None:
        why = "; ".join(finding.message for finding in run.findings)
        folder = study.workspace.path(run.path)
        raise GroundworkError(f"{folder}: the unedited baseline fails, so nothing can be compared: {why}")
    prose = ""
    if any(finding.code == "package-fault" for finding in run.findings) and not run.step.planned.fresh:
        answer = _needs(run, study)
        if packages.granted(answer.needs, run, study):
            return packages.restart(run, plan, study)
        prose = answer.notes
    again = _failed_before(run, study)
    if plan.tries < MAX_TRIES and not again:
        return plan.model_copy(update={"attempt": plan.attempt + 1, "tries": plan.tries + 1, "prose": prose})
    _restore(study)
    why = ": the same failure came again, after it had been explained" if again else ""
    prose = f"'{run.step.planned.name}' was given up after {plan.tries} attempts{why}."
    runs = fresh.standing(plan.runs[1:], _names(attempts.accepted(study.workspace.journal)))
    return plan.model_copy(update={"runs": runs, "attempt": plan.attempt + 1, "tries": 1, "prose": prose})


def _needs(run: Run, study: Study) -> NeedsAnswer:
    stderr = read_log(study.workspace.root, f"{run.path}/stderr.log")
    failure = report(run, stderr, study.setting.limits, packages.installed(study.lock))
    prompt = prompts.render("record", run=run, failure=failure)

    def parse(text: str) -> NeedsAnswer:
        answer = json_block(text, NeedsAnswer)
        _plain(answer.notes)
        return answer

    return ask(study, "record", run.step.label, prompt, parse)


def _failed_before(run: Run, study: Study) -> bool:
    """True where an earlier attempt at the same planned run failed in the same way."""
    made = [one for one in attempts.attempts(study.workspace.journal) if not one.accepted and not one.withdrawn]
    same = [one for one in made if (one.step.planned, one.step.number) == (run.step.planned, run.step.number)]
    return _signature(run, study) in {_signature(one, study) for one in same if one.step != run.step}


def _signature(run: Run, study: Study) -> tuple[str, str, str]:
    error = next(finding for finding in run.findings if finding.severity == "error")
    return signature(error, read_log(study.workspace.root, f"{run.path}/stderr.log") if run.process else "")


def _restore(study: Study) -> None:
    """Put back the code of the last accepted run, so that the next run doesn't build on a hopeless one."""
    journal, workspace = study.workspace.journal, study.workspace
    edit = journal.find("edit", attempts.accepted(journal)[-1].step.label, Edit)
    if edit is not None:
        workspace.write(edit.path, workspace.text_at(edit.commit, edit.path))


def _parse(text: str, run: Run, plan: Plan, study: Study) -> RecordAnswer:
    answer = json_block(text, RecordAnswer)
    dev = notes.on_dev(study.workspace, study.setting.template)
    try:
        expand_remark(answer.notes, dev)
        for one in answer.hypotheses:
            if one.reference.startswith("baseline@"):
                points(dev, one.reference.replace("baseline", "run_0", 1))
    except UnknownReference as error:
        raise AnswerRefused(str(error)) from error
    _plain(without_references(answer.notes))
    made = _names(attempts.accepted(study.workspace.journal))
    names = [planned.name for planned in answer.remaining or ()]
    if len(set(names)) < len(names) or made & set(names):
        raise AnswerRefused("A run in `remaining` has a name that was used before; give it another.")
    if any(one.fresh or one.name.endswith(fresh.SUFFIX) for one in answer.remaining or ()):
        raise AnswerRefused(f"Runs on fresh seeds are made by the orchestrator; no name ends with `{fresh.SUFFIX}`.")
    kept = names if answer.remaining is not None else [one.name for one in plan.runs]
    _judge_later(answer.hypotheses, made | set(kept), plan, study)
    return answer


def _judge_later(asked: tuple[Hypothesis, ...], runs: set[str], plan: Plan, study: Study) -> None:
    """Refuse later hypotheses that can't be tested."""
    ids = [one.id for one in (*plan.hypotheses, *asked)]
    if len(set(ids)) < len(ids):
        raise AnswerRefused(f"The ids {', '.join(ids)} must be unique; a frozen hypothesis can't be changed.")
    judged = {metric.name for metric in study.setting.template.metrics if metric.direction != "none"}
    possible = {name for name in runs if len(name) <= fresh.LONGEST and not name.endswith(fresh.SUFFIX)}
    for one in asked:
        reference = one.reference.partition("@")[0]
        if one.metric not in judged or one.arm not in possible or reference not in {*possible, fresh.BASELINE}:
            raise AnswerRefused(
                f"{one.id}: `metric` is one of {', '.join(sorted(judged))}; `arm` and `reference` are runs, made or "
                f"still to be made: {', '.join(sorted(possible))} (or `{fresh.BASELINE}` as reference)."
            )
        if one.arm == one.reference:
            raise AnswerRefused(f"{one.id}: an arm can't be compared with itself.")


def _plain(words: str) -> None:
    """Refuse addresses and typed results in the notes' own words."""
    if "://" in words:
        raise AnswerRefused("The notes hold an address. Name sources by the library's keys, and nothing else.")
    number = typed_result(words)
    if number:
        raise AnswerRefused(
            f"The notes hold `{number}`. Tables are rendered from files; write about them without numbers, or refer to "
            "one with \\result, \\measured, \\setting or \\change."
        )


def _names(runs: list[Run]) -> set[str]:
    return {run.step.planned.name for run in runs if run.step.planned}
