"""References in the notes' prose become plain text that says where each value comes from."""

import pytest

from orchestrator.evidence.entries import UnknownReference
from orchestrator.evidence.remarks import expand_remark, without_references
from tests.evidence.studies import made, point

DEV = made(
    {"baseline": {"l1=0": point(0, 40.0)}, "arm": {"only": point(1, 40.5, 0.1)}},
    settings={"run_1": {"only": {"alpha": 0.3}}},
    split="dev",
)


def test_values_carry_file_and_key_and_settings_their_text():
    said = expand_remark(r"It gives \result{run_1}{mse} with alpha \setting{run_1}{alpha}, 100 % of_it.", DEV)
    assert said == "It gives 1.000 [f#k] with alpha 0.3, 100 % of_it."


def test_a_difference_is_exploratory_and_of_dev():
    said = expand_remark(r"\change{run_1}{run_0@l1=0}{mse}", DEV)
    assert "95 % CI" in said
    assert said.endswith("[dev, exploratory: run_1 minus run_0@l1=0 in mse]")


def test_what_cannot_be_compared_says_why():
    assert expand_remark(r"\change{run_1}{run_1}{mse}", DEV).startswith("not comparable (")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r"\result{run_7}{mse}", "no run `run_7`"),
        (r"\result{run_1}{msa}", "did you mean|no metric"),
        (r"\result{run_1}", "no reference of the notes"),
        (r"\finding{run_1}{run_0}{mse}", r"no reference of the notes; there are \\result"),
        (r"\change{run_1}{run_0}{speed}", "no metric `speed`"),
        (r"\measured{run_1}{mse}", "no measurement"),
        (r"a \textbf{bold} word", "no reference"),
    ],
)
def test_anything_else_is_refused_with_what_there_is(text, reason):
    with pytest.raises(UnknownReference, match=reason):
        expand_remark(text, DEV)


def test_a_number_in_a_reference_is_not_the_writers():
    assert without_references(r"about \result{run_0@lr=0.2}{mse} here") == "about  here"
