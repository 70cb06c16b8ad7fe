"""A section is answered whole, with references; anything else goes back with line and reason."""

import pytest

from orchestrator.errors import ModelUnavailable
from orchestrator.stages.write import SECTIONS, write_section
from tests.stages.test_confirm import evidence  # noqa: F401

GOOD = (
    "```latex\nThe error is \\result{run_0@lr=0.1}{mse} over \\count{seeds} seeds; \\count{rejected} attempts were "
    "rejected.\n```"
)


def test_a_good_section_is_kept_with_its_references(study, llm, evidence):  # noqa: F811
    llm.answers = [GOOD]
    section = write_section("results", evidence, study)
    assert "\\result{run_0@lr=0.1}{mse}" in study.workspace.read(section.path)
    assert write_section("results", evidence, study) == section


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("The error fell to 0.031.", "0.031"),
        ("The error fell by 12\\%.", "12"),
        ("The error is \\result{run_7}{mse}.", "run_7"),
        ("The error is \\result{run_0@lr=0.1}{msse}.", "msse"),
        ("As others found \\citep{dunnett1955a}.", "dunnett1955a"),
        ("\\input{/etc/passwd}", "input"),
        ("\\textbf{unbalanced", ""),
    ],
)
def test_what_does_not_hold_goes_back(study, llm, evidence, body, reason):  # noqa: F811
    llm.answers = [f"```latex\n{body}\n```", GOOD]
    write_section("results", evidence, study)
    assert reason in llm.requests[-1].messages[-1].content
    assert len(llm.requests) == 2


def test_a_section_that_never_holds_stops_the_idea(study, llm, evidence):  # noqa: F811
    llm.answers = ["The error fell to 0.031."] * 9
    with pytest.raises(ModelUnavailable, match="no usable answer"):
        write_section("results", evidence, study)


def test_every_section_has_a_prompt_that_names_the_references(study, llm, evidence):  # noqa: F811
    llm.answers = ["```latex\nA plain sentence.\n```"] * len(SECTIONS)
    for name in SECTIONS:
        write_section(name, evidence, study)
        assert "\\result{run_1}{metric}" in llm.requests[-1].messages[-1].content
    assert "results: A plain sentence." in llm.requests[-1].messages[-1].content
