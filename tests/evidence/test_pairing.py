"""Settings with their run, results beside what they compare with, captions of what their table holds."""

import pytest

from orchestrator.evidence.wording import check_wording
from tests.redteam.study import study

EVIDENCE = study()


def messages(text, section="results"):
    return [problem.message for problem in check_wording(section, text, EVIDENCE)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("The baseline has a weight of \\setting{run_1}{l2}.", "`l2` of `run_1` in a sentence on `run_0`"),
        ("For run\\_2, $\\lambda_2 = $ \\setting{run_1}{l2}.", "`l2` of `run_1` in a sentence on `run_2`"),
        ("\\result{run_2}{mse} came with \\setting{run_1}{l2}.", "`l2` of `run_1` in a sentence on `run_2`"),
        ("The short run took \\setting{run_1}{steps} steps.", "`steps` of `run_1` in a sentence on `run_4`"),
        ("All were trained for \\setting{run_1}{steps} steps.", "not the same in every run"),
        ("At $\\alpha = \\setting{run_3}{alpha}$, $\\lambda = \\setting{run_2}{l2}$.", "no run has `alpha` and `l2`"),
        ("It is \\setting{run_1}{l2} for run\\_2.", "`l2` of `run_1` in a sentence on `run_2`"),
    ],
)
def test_a_setting_of_another_run_goes_back(text, says):
    (message,) = messages(text, "experimental_setup")
    assert says in message


@pytest.mark.parametrize(
    "text",
    [
        "The baseline was trained for \\setting{run_1}{steps} steps.",
        "Unlike the baseline, ours has a weight of \\setting{run_1}{l2}.",
        "All have \\setting{run_1}{d_sae} features.",
        "Each was trained alone, and run\\_4 for \\setting{run_4}{steps} steps.",
        "The fixed run has $\\alpha = $ \\setting{run_2}{alpha}; run\\_3 has \\setting{run_3}{alpha}.",
        "run\\_3 has \\setting{run_3}{alpha}, passed on from run\\_1.",
        "For run\\_1 it is \\setting{run_1}{l2}, but \\setting{run_2}{l2} for run\\_2.",
    ],
)
def test_its_own_setting_or_an_equal_one_passes(text):
    assert messages(text, "experimental_setup") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "We have \\result{run_1}{explained_variance} and \\result{run_0@l1=5}{explained_variance}.",
            "their L0 is not matched",
        ),
        ("We have \\result{run_1}{mse} and \\result{run_4}{mse}.", "their `steps` differs"),
        (
            "The first has \\result{run_1}{explained_variance}. The last has \\result{run_0@l1=5}{explained_variance}.",
            "their L0 is not matched",
        ),
    ],
)
def test_results_that_do_not_compare_go_back_side_by_side(text, says):
    (message,) = messages(text)
    assert says in message and "\\change or \\finding" in message


@pytest.mark.parametrize(
    "text",
    [
        "We have \\result{run_1}{mse} and \\result{run_2}{mse}.",
        "We have \\result{run_1}{explained_variance} at an $L_0$ of \\result{run_1}{l0}.",
        "At \\result{run_1}{l0} it is \\result{run_1}{explained_variance}. "
        "At \\result{run_2}{l0} it is \\result{run_2}{explained_variance}.",
        "We have \\result{run_1}{explained_variance} and \\result{run_1}{mse}.",
    ],
)
def test_results_that_compare_or_carry_their_l0_pass(text):
    assert messages(text) == []


@pytest.mark.parametrize(
    ("caption", "says"),
    [
        ("Every run.", "run_2, run_3, run_4 is not in it"),
        ("The baseline and the short run.", "speaks of run_4"),
        ("Runs by mean squared error.", "speaks of mse"),
    ],
)
def test_a_caption_that_speaks_of_what_its_table_lacks_goes_back(caption, says):
    (message,) = messages(f"\\resultstable{{run_0,run_1}}{{explained_variance,l0}}{{tab:a}}{{{caption}}}", "method")
    assert says in message


def test_a_caption_of_what_its_table_holds_passes():
    assert (
        messages("\\resultstable{run_0,run_1}{explained_variance,l0}{tab:a}{Explained variance and L0 of run 1.}") == []
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("over \\count{seeds} runs", True),
        ("\\count{runs} attempts", True),
        ("over \\count{seeds} seeds each", False),
        ("\\count{rejected} attempts of \\count{attempts}", False),
        ("\\count{runs} accepted runs", False),
    ],
)
def test_a_count_stands_beside_what_it_counts(text, wrong):
    assert bool(messages(f"There were {text}.")) == wrong
