"""Every run reaches the notes, failures too; the plan moves on by itself."""

import json

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.pipeline import next_step
from orchestrator.records import Edit, Plan, PlannedRun
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from orchestrator.stages.record import MAX_TRIES, record_run
from tests.stages.conftest import ARM, PLAN

OTHER = PlannedRun(name="other", goal="Something else.")


def noted(text="A plain remark.", remaining=None):
    return "```json\n" + json.dumps({"notes": text, "remaining": remaining}) + "\n```"


def step(study, parts, plan, text=None):
    """Carry one step with `text` as experiment.py; return the plan after it."""
    now = next_step(plan)
    if text is not None:
        study.workspace.write("experiment.py", text)
    edit = edit_experiment(now, study) if now.planned is None else Edit(path="experiment.py", commit="x")
    return record_run(execute_run(now, edit, parts, study), plan, study)


def test_an_accepted_run_uses_a_number_and_reaches_the_notes(study, llm, parts):
    llm.answers = [noted("The curve falls.")]
    plan = step(study, parts, PLAN)
    assert (plan.number, plan.attempt) == (1, 1)
    assert "The curve falls." in study.workspace.read("notes.txt")
    assert "## run_0: baseline" in study.workspace.read("notes.txt")


def test_a_rejected_run_uses_no_number_and_is_in_the_notes(study, llm, parts):
    llm.answers = [noted()]
    plan = step(study, parts, PLAN)
    plan = step(study, parts, plan, "raise ValueError('bad idea')\n")
    assert (plan.number, plan.attempt, plan.tries) == (1, 2, 2)
    assert "ValueError: bad idea" in study.workspace.read("notes.txt")


def test_a_hopeless_run_is_given_up_and_its_code_put_back(study, llm, parts):
    llm.answers = [noted()]
    plan = step(study, parts, Plan(hypotheses=(), runs=(ARM, OTHER)))
    for number in range(MAX_TRIES):
        plan = step(study, parts, plan, f"raise ValueError.__new__(ValueError, {number})\n")
    assert plan.runs == (OTHER,)
    assert next_step(plan).label == f"run_1.{MAX_TRIES + 1}"
    assert study.workspace.read("experiment.py") == (study.setting.folder / "experiment.py").read_text()
    assert "given up" in study.workspace.read("notes.txt")


def test_the_same_failure_again_ends_the_retries(study, llm, parts):
    llm.answers = [noted()]
    plan = step(study, parts, Plan(hypotheses=(), runs=(ARM, OTHER)))
    plan = step(study, parts, plan, "raise ValueError('first')\n")
    assert plan.runs == (ARM, OTHER)
    plan = step(study, parts, plan, "\n\nraise ValueError('first')\n")
    assert plan.runs == (OTHER,)
    assert "the same failure came again" in " ".join(study.workspace.read("notes.txt").split())


def test_a_failing_baseline_stops_the_idea(study, parts):
    with pytest.raises(GroundworkError, match="the unedited baseline fails"):
        step(study, parts, PLAN, "raise ValueError\n")


def test_typed_results_and_reused_names_go_back(study, llm, parts):
    reused = [{"name": "momentum", "goal": "again"}]
    llm.answers = [noted("The error fell to 0.031."), noted()]
    plan = step(study, parts, PLAN)
    assert "0.031" in llm.requests[1].messages[-1].content
    llm.answers = [noted(remaining=reused), noted(remaining=[{"name": "new", "goal": "a control"}])]
    plan = step(study, parts, plan, (study.setting.folder / "experiment.py").read_text().replace("0.05", "0.4"))
    assert "used before" in llm.requests[-1].messages[-1].content
    assert [run.name for run in plan.runs] == ["new"]


def test_the_prompt_shows_a_table_and_no_result_dictionary(study, llm, parts):
    llm.answers = [noted()]
    step(study, parts, PLAN)
    prompt = llm.requests[0].messages[-1].content
    assert "condition" in prompt
    assert "+-" in prompt
    assert "final_info_dict" not in prompt


def test_a_reference_in_the_notes_is_expanded_from_the_dev_results(study, llm, parts):
    llm.answers = [noted(r"\result{run_0}{mse}"), noted(r"The middle point gives \result{run_0@lr=0.1}{mse}.")]
    step(study, parts, PLAN)
    assert "`run_0` has several points" in llm.requests[1].messages[-1].content
    info = json.loads(study.workspace.read("run_0/final_info.json"))["lr=0.1"]["means"]["mse"]
    text = " ".join(study.workspace.read("notes.txt").split())
    assert f"The middle point gives {info:.3f}"[:-1] in text
    assert "[run_0/final_info.json#lr=0.1/final_info_dict/mse]" in text
