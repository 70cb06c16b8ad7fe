"""A plan is asked for once, and only one that can be judged is taken."""

import json

import pytest

from orchestrator.errors import ModelUnavailable
from orchestrator.stages.plan import plan_runs

HYPOTHESIS = {
    "id": "H1",
    "metric": "mse",
    "direction": "lower",
    "arm": "momentum",
    "reference": "baseline",
    "match": None,
}
RUNS = [{"name": "momentum", "goal": "Add momentum."}]


def answer(**changes):
    return "```json\n" + json.dumps({"hypotheses": [{**HYPOTHESIS, **changes}], "runs": RUNS}) + "\n```"


def test_the_plan_is_frozen_at_the_first_good_answer(study, llm):
    llm.answers = [answer()]
    plan = plan_runs(study)
    assert plan.hypotheses[0].arm == "momentum"
    assert plan_runs(study) == plan
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("I would lower the learning rate.", "exactly one fenced ```json block"),
        ("```json\n{\n```", "not JSON"),
        (answer(metric="weight_norm"), "cannot be judged"),
        (answer(metric="accuracy"), "cannot be judged"),
        (answer(arm="nobody"), "names of runs in the plan"),
        (answer(reference="momentum"), "compared with itself"),
        (answer(direction="better"), "hypotheses.0.direction"),
        (answer(confidence=1), "Extra inputs"),
    ],
)
def test_a_plan_that_does_not_hold_goes_back_with_the_reason(study, llm, bad, reason):
    llm.answers = [bad, answer()]
    plan_runs(study)
    assert reason in llm.requests[1].messages[-1].content
    assert bad in llm.requests[1].messages[-2].content


def test_the_number_of_tries_is_bounded(study, llm):
    llm.answers = ["no"] * 9
    with pytest.raises(ModelUnavailable, match="no usable answer in 4 tries"):
        plan_runs(study)
    assert len(llm.requests) == 4


def test_the_idea_is_fenced_as_data(study, llm):
    llm.answers = [answer()]
    plan_runs(study)
    prompt = llm.requests[0].messages[-1].content
    assert '<data name="idea">' in prompt
    assert "Interestingness" in prompt
