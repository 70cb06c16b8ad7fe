"""What code says about a comparison: every verdict in words, and nothing for a pair that nobody asked about."""

import pytest

from orchestrator.evidence.entries import UnknownReference
from orchestrator.evidence.findings import change_words, details, detectable_words, finding_words, outcome_words
from orchestrator.evidence.references import check, expand
from orchestrator.evidence.verdicts import judge
from orchestrator.records import Hypothesis
from tests.evidence.studies import baseline, made, point


def judged(effect, direction="higher", l0=45.0, metric="ev"):
    hypothesis = Hypothesis(id="H1", metric=metric, direction=direction, arm="new", reference="baseline")
    runs = {"baseline": baseline(), "new": {"new": point(9, l0, effect)}, "other": {"other": point(10, 45.0)}}
    evidence = made(runs, (hypothesis,))
    return evidence.model_copy(update={"verdicts": judge(evidence)})


def test_better_and_worse_follow_the_declared_direction():
    up, down = judged(0.05), judged(-0.05)
    said = finding_words(up, "run_1", "run_0", "ev")
    assert said.startswith("the new run has a higher explained variance than the baseline (+0.0")
    assert said.endswith("which is better")
    assert "95 % CI" in said
    assert "at matched L0" in said
    assert "has a lower" in finding_words(down, "run_1", "run_0", "ev")
    assert finding_words(down, "run_1", "run_0", "ev").endswith("which is worse")
    assert (outcome_words(up, "H1"), outcome_words(down, "H1")) == ("confirmed", "contradicted")


def test_an_effect_below_the_smallest_interesting_one_is_called_so():
    assert "smallest interesting effect of 0.02" in finding_words(judged(0.012), "run_1", "run_0", "ev")


def test_no_difference_is_equivalent_or_inconclusive_never_equal():
    said = finding_words(judged(0.0), "run_1", "run_0", "ev")
    assert "equivalent in explained variance within 0.02" in said
    assert outcome_words(judged(0.0), "H1") == "not supported"


def test_outside_of_the_curve_nothing_is_compared():
    evidence = judged(0.05, l0=200.0)
    assert outcome_words(evidence, "H1").startswith("undecided (")
    assert "cannot be compared with the baseline" in finding_words(evidence, "run_1", "run_0", "ev")
    assert change_words(evidence, "run_1", "run_0", "ev").startswith("not comparable: ")
    assert detectable_words(evidence, "H1") == "not known, since it could not be tested"


def test_a_pair_without_a_hypothesis_has_a_change_and_no_finding():
    evidence = judged(0.05)
    with pytest.raises(UnknownReference, match="no frozen hypothesis compares these"):
        finding_words(evidence, "run_2", "run_0", "ev")
    said = change_words(evidence, "run_2", "run_0", "ev")
    assert said.endswith("exploratory")
    assert not any(word in said for word in ("better", "worse", "equivalent"))


def test_the_order_of_a_pair_is_the_hypothesis_s():
    with pytest.raises(UnknownReference, match="in that order"):
        finding_words(judged(0.05), "run_0", "run_1", "ev")


def test_details_name_test_correction_and_power():
    evidence = judged(0.05)
    said = details(evidence.verdicts[0], evidence)
    for words in ("t test with", "degrees of freedom", "80 % power", "adjusted p"):
        assert words in said


def test_in_a_section_they_are_checked_and_set_for_tex():
    evidence = judged(-0.05)
    assert check(r"\finding{run_1}{run_0}{ev}, and \change{run_2}{run_0}{ev}.", evidence, ()) == ()
    text = expand(r"We find that \finding{run_1}{run_0}{ev}.", evidence)
    assert r"\ensuremath{-}0.0" in text
    assert r"95 \% CI" in text
    (problem,) = check(r"So \finding{run_2}{run_0}{ev}.", evidence, ())
    assert "no frozen hypothesis" in problem.message
