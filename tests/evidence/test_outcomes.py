"""Hypotheses in their frozen words, at no more than their outcome, and none left out."""

import pytest

from orchestrator.evidence.outcomes import omitted
from orchestrator.evidence.wording import check_wording
from tests.redteam.study import study

EVIDENCE = study()
ALL = " ".join(f"H{n} is \\outcome{{H{n}}}." for n in range(1, 5))


def messages(text, section="conclusion", evidence=EVIDENCE):
    return [problem.message for problem in check_wording(section, text, evidence)]


@pytest.mark.parametrize(
    "text",
    [
        "H1, that codes are interpretable, is \\outcome{H1}.",
        "The hypothesis that adaptation is needed is \\outcome{H1}.",
        "H1 (features persist) is \\outcome{H1}.",
        "We find \\outcome{H1} for the idea that topics matter.",
        "H1 is \\outcome{H1} and H2, on the beauty of codes, is \\outcome{H2}.",
    ],
)
def test_a_hypothesis_in_other_words_beside_its_outcome_goes_back(text):
    (message,) = messages(text)
    assert "in other words beside its outcome" in message and "\\statement{H" in message


@pytest.mark.parametrize(
    "text",
    [
        "H1, that \\statement{H1}, is \\outcome{H1}.",
        "On the penalty: H1, that \\statement{H1}, is \\outcome{H1}, and H2 is \\outcome{H2}.",
        "Our first hypothesis, on explained variance, is \\outcome{H1}.",
        "H1 and H2 are \\outcome{H1} and \\outcome{H2}, respectively.",
        "The third hypothesis is \\outcome{H3}: \\finding{run_1}{run_3}{explained_variance}.",
        "Of H4 the outcome is \\outcome{H4}.",
    ],
)
def test_its_frozen_words_or_none_pass(text):
    assert messages(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "H1 holds.",
        "Our results validate this.",
        "The hypothesis is refuted.",
        "H1 is \\outcome{H1}, which validates us.",
    ],
)
def test_an_outcome_in_the_writer_s_words_goes_back(text):
    assert any("\\outcome" in message for message in messages(text))


@pytest.mark.parametrize("section", ["introduction", "conclusion"])
@pytest.mark.parametrize(
    "text", ["We test that adaptation helps codes (H1).", "H3 predicted that the runs would agree."]
)
def test_a_hypothesis_by_its_name_in_other_words_goes_back_from_every_section(text, section):
    assert any("in other words; it was frozen as" in message for message in messages(text, section))


def test_that_nothing_failed_is_said_only_where_nothing_did():
    text = "All runs completed without error."
    (message,) = messages(text)
    assert "\\count{rejected}" in message
    flawless = EVIDENCE.model_copy(
        update={"counts": {**EVIDENCE.counts, "rejected": 0}, "hypotheses": EVIDENCE.hypotheses[:3]}
    )
    assert messages(text, evidence=flawless) == []


@pytest.mark.parametrize("section", ["abstract", "conclusion"])
def test_abstract_and_conclusion_tell_every_outcome(section):
    assert omitted(section, ALL, EVIDENCE) == ()
    (problem,) = omitted(section, ALL.replace("H3 is \\outcome{H3}.", "H3, that \\statement{H3}."), EVIDENCE)
    assert problem.message.startswith("H3 is left out")
    assert (problem.start, problem.end) == (0, 0)


def test_results_show_every_run_and_count_what_failed():
    table = "\\resultstable{run_0,run_1,run_2,run_3,run_4}{explained_variance}{tab:a}{Runs.}"
    assert omitted("results", f"{table} \\count{{rejected}} attempts failed.", EVIDENCE) == ()
    said = [problem.message for problem in omitted("results", table.replace(",run_4", ""), EVIDENCE)]
    assert said[0].startswith("run_4 (short) is left out")
    assert "attempts that failed are left out" in said[1]
    assert omitted("method", "Nothing.", EVIDENCE) == ()
