"""Citations: exact keys, exact sentences, and a bibliography that holds what is cited."""

import json

import pytest

from orchestrator.records import Section
from orchestrator.stages.cite import cite_sources
from orchestrator.stages.search import search_sources

TEXT = "One sentence. Several treatments meet one control. The end \\citep{dunnett1955}.\n"


@pytest.fixture(autouse=True)
def citable(study):
    search_sources((), study)


@pytest.fixture
def sections(study):
    return [Section(name="results", path="s.tex", sha256=study.workspace.write("s.tex", TEXT))]


def answer(sentence="Several treatments meet one control.", keys=("dunnett1955",), section="results"):
    return "```json\n" + json.dumps({"citations": [{"section": section, "sentence": sentence, "keys": keys}]}) + "\n```"


def test_a_citation_lands_at_its_sentence_and_in_the_bibliography(study, llm, sections):
    llm.answers = [answer()]
    cited = cite_sources(sections, study)
    text = study.workspace.read(cited.sections[0].path)
    assert "meet one control~\\citep{dunnett1955}." in text
    assert "Dunnett" in study.workspace.read(cited.bibliography)
    assert "annote" not in study.workspace.read(cited.bibliography)
    assert study.workspace.read("s.tex") == TEXT


@pytest.mark.parametrize(
    "bad",
    [
        answer(keys=("dunnett",)),
        answer(keys=("Dunnett1955",)),
        answer("It never said this."),
        answer(section="abstract"),
    ],
)
def test_near_keys_and_near_sentences_go_back(study, llm, sections, bad):
    llm.answers = [bad, '```json\n{"citations": []}\n```']
    assert cite_sources(sections, study).keys == ("dunnett1955",)
    assert len(llm.requests) == 2


def test_a_key_that_nobody_cites_is_not_in_the_bibliography(study, llm):
    plain = [Section(name="results", path="s.tex", sha256=study.workspace.write("s.tex", "Nothing is cited.\n"))]
    llm.answers = ['```json\n{"citations": []}\n```']
    cited = cite_sources(plain, study)
    assert cited.keys == ()
    assert study.workspace.read(cited.bibliography).strip() == ""
