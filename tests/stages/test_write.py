"""A section is answered whole, with references; anything else goes back with line and reason."""

from dataclasses import replace

import pytest

from orchestrator.errors import ModelUnavailable
from orchestrator.models.calls import FREE, Terms
from orchestrator.models.gateway import Gateway
from orchestrator.stages.search import search_sources
from orchestrator.stages.write import SECTIONS, write_section
from orchestrator.study import MAX_ANSWERS
from tests.stages.test_confirm import evidence  # noqa: F401

GOOD = (
    "```latex\nThe error is \\result{run_0@lr=0.1}{mse} over \\count{seeds} seeds; \\count{rejected} attempts were "
    "rejected.\n```"
)


@pytest.fixture(autouse=True)
def citable(study):
    search_sources((), study)


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


def test_of_answers_that_never_hold_the_one_with_the_fewest_problems_is_kept(study, llm, evidence):  # noqa: F811
    told = GOOD.removeprefix("```latex\n").removesuffix("\n```")
    bad = [f"{told} It fell to 0.03{n}." for n in range(3)]
    worse = f"{told} It improves. It fell to 0.031."
    llm.answers = [f"```latex\n{text}\n```" for text in (bad[0], bad[1], worse, worse)]
    section = write_section("results", evidence, study)
    assert study.workspace.read(section.path) == bad[1] + "\n"
    assert any("kept with 1 sentences to be struck out" in line for line in study.backends.screen.lines)
    assert write_section("results", evidence, study) == section
    assert len(llm.requests) == MAX_ANSWERS


def test_a_section_that_is_never_answered_in_form_is_empty_and_stops_nothing(study, llm, evidence):  # noqa: F811
    llm.answers = ["The error fell."] * MAX_ANSWERS
    assert study.workspace.read(write_section("results", evidence, study).path) == ""


def test_a_model_that_is_gone_still_stops_the_idea(study, evidence):  # noqa: F811
    class Gone:
        def terms(self, stage):
            return Terms(provider="gone", model="", price=FREE, metered=False)

        def answer(self, request):
            raise ModelUnavailable("nobody answers")

    backends = replace(study.backends, llm=Gateway(Gone(), study.workspace))
    with pytest.raises(ModelUnavailable, match="nobody answers"):
        write_section("results", evidence, replace(study, backends=backends))


def test_reasons_name_line_sentence_and_what_is_possible(study, llm, evidence):  # noqa: F811
    llm.answers = ["```latex\nFirst.\nThe error improved.\n```", GOOD]
    write_section("results", evidence, study)
    reason = llm.requests[-1].messages[-1].content
    assert "- line 2: 'The error improved.': `improved` compares; a comparison is a \\finding" in reason
    assert "- line 1: run_0 (baseline) is left out; a \\resultstable shows every run" in reason


def test_every_section_has_a_prompt_that_names_the_references(study, llm, evidence):  # noqa: F811
    answers = dict.fromkeys(SECTIONS, "```latex\nA plain sentence.\n```") | {"results": GOOD}
    llm.answers = [answers[name] for name in SECTIONS]
    for name in SECTIONS:
        write_section(name, evidence, study)
        assert "\\result{run_1}{metric}" in llm.requests[-1].messages[-1].content
    assert "results: The error is \\result{run_0@lr=0.1}{mse}" in llm.requests[-1].messages[-1].content
