"""Stage `plan`: hypotheses and runs. The hypotheses are frozen here, before any result exists."""

from __future__ import annotations

from pydantic import Field

from orchestrator import prompts
from orchestrator.citing import readings_of
from orchestrator.evidence.fresh import SUFFIX as FRESH
from orchestrator.records import Hypothesis, Plan, PlannedRun, Record
from orchestrator.study import AnswerRefused, Study, ask, described, json_block

BASELINE = "baseline"
MAX_RUNS = 8


class PlanAnswer(Record):
    """The form of the model's answer."""

    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1, max_length=6)
    runs: tuple[PlannedRun, ...] = Field(min_length=1, max_length=MAX_RUNS)


def plan_runs(study: Study) -> Plan:
    """Return the plan for this idea; asks the model once, and never again after a result is known."""

    def make() -> Plan:
        study.backends.screen.stage("plan")
        prompt = prompts.render(
            "plan",
            idea=study.idea.model_dump(),
            setting=described(study),
            metrics=study.setting.template.metrics,
            baseline=study.workspace.read("experiment.py"),
            seeds=len(study.setting.seeds),
            max_runs=MAX_RUNS,
            readings=readings_of(study.workspace).describe(),
        )
        answer = ask(study, "plan", "", prompt, lambda text: _parse(study, text))
        return Plan(hypotheses=answer.hypotheses, runs=answer.runs)

    return study.workspace.journal.once("plan", "", Plan, make)


def _parse(study: Study, text: str) -> PlanAnswer:
    answer = json_block(text, PlanAnswer)
    names = [run.name for run in answer.runs]
    ids = [hypothesis.id for hypothesis in answer.hypotheses]
    if len(set(names)) < len(names) or BASELINE in names or len(set(ids)) < len(ids):
        raise AnswerRefused("Run names and hypothesis ids must be unique, and no run may be called `baseline`.")
    if any(run.fresh or run.name.endswith(FRESH) for run in answer.runs):
        raise AnswerRefused(f"Runs on fresh seeds are made by the orchestrator; no name ends with `{FRESH}`.")
    metrics = [metric.name for metric in study.setting.template.metrics if metric.direction != "none"]
    for hypothesis in answer.hypotheses:
        if hypothesis.metric not in metrics:
            can = ", ".join(metrics)
            raise AnswerRefused(f"{hypothesis.id}: `{hypothesis.metric}` cannot be judged; one of {can}.")
        if hypothesis.arm not in names or hypothesis.reference.partition("@")[0] not in (*names, BASELINE):
            raise AnswerRefused(f"{hypothesis.id}: arm and reference are names of runs in the plan, or `{BASELINE}`.")
        if hypothesis.arm == hypothesis.reference:
            raise AnswerRefused(f"{hypothesis.id}: an arm can't be compared with itself.")
    return answer
