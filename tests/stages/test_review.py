"""A review is given the PDF's text and the evidence; what was written in advance carries no scores."""

import dataclasses
import json

import pytest

from orchestrator.errors import GroundworkError, ModelUnavailable
from orchestrator.stages.review import pdf_text, review_paper
from tests.stages.test_confirm import evidence  # noqa: F401

FORM = {
    "summary": "s",
    "strengths": ["a"],
    "weaknesses": ["b"],
    "questions": ["c"],
    "limitations": "d",
    "ethical_concerns": False,
}
SCORES = {"soundness": 2, "presentation": 3, "contribution": 1, "overall": 4, "confidence": 5}


def answer(**changes: object) -> str:
    return f"```json\n{json.dumps(FORM | changes)}\n```"


@pytest.fixture
def paper(study, quick_run):
    """The study with the PDF of a finished run in its folder."""
    study.workspace.write("paper.pdf", (quick_run / "paper.pdf").read_bytes())
    return study


def test_a_finished_idea_has_a_review_without_scores_that_says_why(quick_run):
    review = json.loads((quick_run / "review.json").read_text())
    assert "Written in advance" in review["note"]
    assert review["review"]["scores"] is None
    assert review["review"]["decision"] is None
    assert review["review"]["weaknesses"]


def test_the_reviewer_gets_the_text_of_the_pdf_and_the_evidence(paper, llm, evidence):  # noqa: F811
    llm.answers = [answer(scores=SCORES, decision="reject")]
    reviewed = review_paper("paper.pdf", evidence, paper)
    assert reviewed.review.scores.overall == 4
    prompt = llm.requests[0].messages[-1].content
    assert "Scripted answers" in prompt
    assert "run_0@lr=0.1" in prompt
    assert json.loads(paper.workspace.read("review.json"))["review"]["decision"] == "reject"


@pytest.mark.parametrize(
    ("scripted", "bad", "good"),
    [
        (False, {}, {"scores": SCORES, "decision": "accept"}),
        (False, {"scores": SCORES | {"overall": 11}, "decision": "accept"}, {"scores": SCORES, "decision": "accept"}),
        (True, {"scores": SCORES, "decision": "accept"}, {}),
    ],
)
def test_a_review_out_of_form_goes_back(paper, llm, evidence, scripted, bad, good):  # noqa: F811
    llm.answers = [answer(**bad), answer(**good)]
    study = dataclasses.replace(paper, scripted=scripted)
    assert review_paper("paper.pdf", evidence, study).review is not None
    assert len(llm.requests) == 2


def test_a_reviewer_who_never_keeps_to_the_form_stops_the_stage(paper, llm, evidence):  # noqa: F811
    llm.answers = ["I like it."] * 9
    with pytest.raises(ModelUnavailable):
        review_paper("paper.pdf", evidence, paper)


def test_without_a_pdf_there_is_no_review_and_nobody_is_asked(study, llm, evidence):  # noqa: F811
    reviewed = review_paper("", evidence, study)
    assert reviewed.review is None
    assert "no PDF" in reviewed.note
    assert llm.requests == []


def test_a_pdf_that_is_made_later_is_reviewed_then(paper, llm, evidence):  # noqa: F811
    assert review_paper("", evidence, paper).review is None
    llm.answers = [answer(scores=SCORES, decision="reject")]
    assert review_paper("paper.pdf", evidence, paper).review is not None


def test_a_broken_pdf_is_named(tmp_path):
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.5\nnothing")
    with pytest.raises(GroundworkError, match=r"paper\.pdf"):
        pdf_text(tmp_path / "paper.pdf")
