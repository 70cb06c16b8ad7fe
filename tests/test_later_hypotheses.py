"""A hypothesis made after results were seen is tested by runs on seeds that nothing has used."""

import json

import pytest

from orchestrator import attempts
from orchestrator.pipeline import next_step, take_step
from orchestrator.records import Frozen, Plan, Prepared
from orchestrator.stages.confirm import confirm
from orchestrator.stages.plan import plan_runs
from orchestrator.stages.prepare import prepare_data
from orchestrator.verify import verify
from tests.stages.conftest import coder, llm, study  # noqa: F401

ARMS = '{"lr=0.05": {"lr": 0.05}, "lr=0.1": {"lr": 0.1}, "lr=0.2": {"lr": 0.2}}'
FIRST = {"id": "H1", "metric": "mse", "direction": "lower", "arm": "large", "reference": "baseline@lr=0.2"}
LATER = {"id": "H2", "metric": "mse", "direction": "lower", "arm": "large", "reference": "baseline@lr=0.1"}


def fenced(value):
    return f"```json\n{json.dumps(value)}\n```"


def planned(*names):
    return fenced({"hypotheses": [FIRST], "runs": [{"name": name, "goal": "Try it."} for name in names]})


def noted(*hypotheses, notes="A remark.", remaining=None):
    return fenced({"notes": notes, "remaining": remaining, "hypotheses": hypotheses})


def with_rate(rate):
    return lambda text: text.replace(text.split("CONDITIONS = ")[1].split("\n")[0], f'{{"arm": {{"lr": {rate}}}}}')


def explore(study):  # noqa: F811
    data = prepare_data(study)
    plan = plan_runs(study)
    while step := next_step(plan):
        plan = take_step(step, plan, data, study)
    return data, plan


@pytest.fixture
def explored(study, llm, coder):  # noqa: F811
    llm.answers = [planned("large"), noted(), noted(LATER)]
    coder.texts = [with_rate(0.4)]
    return explore(study)


def test_arm_and_reference_run_again_on_fresh_seeds_as_they_stand(study, explored):  # noqa: F811
    runs = {run.step.planned.name: run for run in attempts.accepted(study.workspace.journal)[1:]}
    assert list(runs) == ["large", "baseline_fresh", "large_fresh"]
    jobs = {name: json.loads(study.workspace.read(f"{run.path}/job.json")) for name, run in runs.items()}
    assert jobs["large"]["seeds"] == list(study.setting.seeds)
    assert jobs["large_fresh"]["seeds"] == jobs["baseline_fresh"]["seeds"] == list(study.setting.fresh_seeds)
    assert not set(study.setting.seeds) & set(study.setting.fresh_seeds)
    configs = json.loads(study.workspace.read("run_2/final_info.json"))
    assert sorted(configs) == ["lr=0.05", "lr=0.1", "lr=0.2"]
    assert json.loads(study.workspace.read("run_3/final_info.json"))["arm"]["config"]["lr"] == 0.4


def test_it_is_frozen_with_a_hash_when_it_was_made_and_no_model_sees_the_fresh_runs(study, llm, explored):  # noqa: F811
    frozen = study.workspace.journal.find("freeze", "run_1.1", Frozen)
    (later,) = frozen.hypotheses
    assert (later.arm, later.reference, later.frozen_after) == ("large_fresh", "baseline_fresh@lr=0.1", 2)
    kinds = [(event.kind, event.step) for event in study.workspace.journal.events]
    assert kinds.index(("freeze", "run_1.1")) < kinds.index(("execute", "run_2.1"))
    assert llm.answers == []
    assert f"SHA-256 {frozen.sha256[:16]}" in study.workspace.read("notes.txt")


def test_both_rounds_are_judged_and_share_the_level(study, explored):  # noqa: F811
    data, plan = explored
    evidence = confirm(data.parts, plan, study)
    first, later = evidence.verdicts
    assert (later.arm, later.reference) == ("run_3", "run_2@lr=0.1")
    assert "0.04," in first.test
    assert "0.008," in later.test
    assert {first.outcome, later.outcome} <= {"confirmed", "contradicted", "not supported"}
    assert verify(study.workspace.root).errors == 0
    notes = study.workspace.read("notes.txt")
    assert "H2: the large fresh run has a lower mean squared error than the baseline fresh run" in notes
    assert "## run_3: large_fresh, from run_3/test_info.json (SHA-256" in notes
    assert "Counts: runs: 4, attempts: 4" in notes


def test_started_again_it_walks_the_same_way(study, llm, explored):  # noqa: F811
    before = len(study.workspace.journal.events)
    assert explore(study)[1] == explored[1]
    assert len(study.workspace.journal.events) == before


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({**LATER, "id": "H1"}, "must be unique"),
        ({**LATER, "arm": "unheard_of"}, "made or still to be made"),
        ({**LATER, "metric": "weight_norm"}, "`metric` is one of mse"),
        ({**LATER, "reference": "baseline@lr=0.3"}, "no point `run_0@lr=0.3`"),
        ({**LATER, "reference": "large"}, "compared with itself"),
    ],
)
def test_what_cannot_be_tested_goes_back(study, llm, coder, asked, reason):  # noqa: F811
    llm.answers = [planned("large"), noted(), noted(asked), noted()]
    coder.texts = [with_rate(0.4)]
    _, plan = explore(study)
    assert reason in llm.requests[-1].messages[-1].content
    assert [one.id for one in plan.hypotheses] == ["H1"]


def test_an_arm_that_never_succeeds_leaves_its_hypothesis_undecided(study, llm, coder):  # noqa: F811
    llm.answers = [planned("large", "other"), noted({**LATER, "arm": "other"}), noted()]
    coder.texts = [with_rate(0.4), lambda text: "raise ValueError\n", lambda text: "raise ValueError\n\n\nx = 1\n"]
    data, plan = explore(study)
    evidence = confirm(data.parts, plan, study)
    assert "other_fresh" not in evidence.runs.values()
    assert evidence.verdicts[1].outcome == "undecided"


def test_a_fresh_run_is_ours_alone(study, llm):  # noqa: F811
    wrong = fenced({"hypotheses": [{**FIRST, "arm": "a_fresh"}], "runs": [{"name": "a_fresh", "goal": "g"}]})
    llm.answers = [wrong, planned("large")]
    assert isinstance(plan_runs(study), Plan)
    assert "made by the orchestrator" in llm.requests[-1].messages[-1].content
    assert isinstance(prepare_data(study), Prepared)
