"""A writer's own words about results: what goes back, and what an honest writer may say."""

import pytest

from orchestrator.evidence.outcomes import omitted
from orchestrator.evidence.verdicts import judge
from orchestrator.evidence.wording import check_wording
from orchestrator.records import Hypothesis
from tests.evidence.studies import baseline, made, point

HYPOTHESIS = Hypothesis(id="H1", metric="ev", direction="higher", arm="new", reference="baseline")
UNJUDGED = made({"baseline": baseline(), "new": {"new": point(9, 45.0, 0.05)}}, (HYPOTHESIS,))
EVIDENCE = UNJUDGED.model_copy(update={"verdicts": judge(UNJUDGED)})


@pytest.mark.parametrize(
    "sentence",
    [
        "The new run is better than the baseline.",
        "Our method clearly outperforms the baseline.",
        "The penalty improves temporal consistency.",
        "It reduces L0 and preserves the reconstruction.",
        "The gain comes at no cost.",
        "The error is halved.",
        "We set a new state of the art.",
        "The effect is robust and significant.",
        "Both runs are equivalent.",
        "This proves that adaptation matters.",
        "The codes are steadier.",
        "There is a twofold change.",
    ],
)
def test_a_comparison_of_the_writer_s_own_goes_back(sentence):
    (first, *_) = check_wording("results", sentence, EVIDENCE)
    assert first.quote == sentence
    assert "\\finding" in first.message


@pytest.mark.parametrize(
    "sentence",
    [
        "We find that \\finding{run_1}{run_0}{ev}.",
        "The change is \\change{run_1}{run_0}{ev}.",
        "Rows at different $L_0$ are not to be ranked.",
        "The new run has an explained variance of \\result{run_1}{ev}.",
        "H1 is \\outcome{H1}: \\finding{run_1}{run_0}{ev}.",
        "One edit stopped with an error and was mended.",
        "Interpretability was not measured.",
    ],
)
def test_an_honest_sentence_passes(sentence):
    assert check_wording("results", sentence, EVIDENCE) == ()


@pytest.mark.parametrize("lead", ["It is untrue that", "We doubt that", "It is not the case that", "Never think that"])
def test_a_negation_around_a_finding_goes_back(lead):
    (problem,) = check_wording("results", f"{lead} \\finding{{run_1}}{{run_0}}{{ev}}.", EVIDENCE)
    assert "around" in problem.message


def test_a_hypothesis_left_out_of_abstract_or_conclusion_is_named():
    for section in ("abstract", "conclusion"):
        (problem,) = omitted(section, "We trained some models.", EVIDENCE)
        assert problem.message.startswith("H1 is left out")
        assert omitted(section, "H1 is \\outcome{H1}.", EVIDENCE) == ()


def test_where_no_results_are_told_words_are_free():
    assert check_wording("introduction", "A better code would change less.", EVIDENCE) == ()


def test_captions_are_guarded_in_every_section():
    caption = "\\resultstable{run_0,run_1}{ev}{tab:a}{The new run improves on the baseline.}"
    (problem,) = check_wording("method", caption, EVIDENCE)
    assert "in the caption, `improves` compares" in problem.message
