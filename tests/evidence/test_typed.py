"""Numbers typed by hand: in formulas, in words, beside a metric's name; and what is no result."""

import pytest

from orchestrator.evidence.checks import check_section
from tests.redteam.study import CITATION_KEYS, study

EVIDENCE = study()


def alarms(text, section):
    return [one.message for one in check_section(section, text, EVIDENCE, CITATION_KEYS) if one.end]


@pytest.mark.parametrize("section", ["results", "experimental_setup"])
@pytest.mark.parametrize(
    "text",
    [
        "We reach $L_0 = 54.3$ here.",
        "We reach $L_0 \\approx 54$ here.",
        "We have $\\mathrm{MSE} = 0.31$.",
        "Tested at $p < 0.05$.",
        "Tested at $p < 10^{-3}$.",
        "It was $x = 0.7 \\pm 0.1$.",
        "It was 54 ± 2 features.",
        "It was 54 +/- 2.",
        "It explains 70\\% of it.",
        "As \\[ L_0 = 54.3 \\] shows.",
    ],
)
def test_a_result_in_any_dress_is_sent_back_from_every_section(text, section):
    assert alarms(text, section)


@pytest.mark.parametrize(
    "text",
    [
        "The change is five percent.",
        "It is three times what it was.",
        "It moves by a factor of ten.",
        "Two thirds of it remain.",
        "Nearly all of it remains.",
        "It has an L0 of 54.",
        "We set $\\lambda_9 = 0.3$.",
        "With $\\alpha = 0.7$ it ran.",
    ],
)
def test_where_results_are_told_numbers_in_words_and_symbols_go_back_too(text):
    assert alarms(text, "results")


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 a model of 135M parameters was quantised to 4 bits; activations are from layer 9 of 30.",
        "With $d = 576$ and $d_\\mathrm{sae} = 1152$, the loss is $L = 0.5\\,x^2 + y$.",
        "The decay is $L \\leftarrow 0.99\\, L + 0.01\\, x$, and $\\beta_2 = 0.999$.",
        "At $l_1 = 0.0006$, as recorded, and with an l2 of 0.0005.",
        "Section 3, Table 2, Python 3.11, and 95\\,\\% confidence intervals at 80\\,\\% power.",
        "Four hypotheses, two controls, one model, and a batch of 16 sequences \\citep[p.~3]{li2020}.",
        "A curve of five points, within a factor of two.",
    ],
)
def test_what_is_no_result_raises_no_alarm(text):
    assert alarms(text, "experimental_setup") == []


@pytest.mark.parametrize(
    "text",
    ["With $\\lambda_2 = 0.0005$ it ran.", "Of 30 blocks, the ninth.", "The intervals are 95\\,\\% $t$ intervals."],
)
def test_a_recorded_setting_beside_its_name_is_no_result_even_there(text):
    assert alarms(text, "results") == []
