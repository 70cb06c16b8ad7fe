"""What may be cited: the library whole, or what the model chose by id among what sources returned."""

import json
from dataclasses import replace

import pytest

from orchestrator.backends.scholar.arxiv import Arxiv
from orchestrator.backends.scholar.openalex import OpenAlex
from orchestrator.citing import FILE, citable
from orchestrator.errors import BadInput, ScholarUnavailable
from orchestrator.records import FrozenSource
from orchestrator.stages import search
from orchestrator.stages.cite import cite_sources
from orchestrator.stages.search import FOUND, search_sources
from tests import scholars

SPARSE = "openalex:W4386839891"


def searches(*queries):
    return "```json\n" + json.dumps({"searches": queries}) + "\n```"


def choice(*ids):
    return "```json\n" + json.dumps({"chosen": ids}) + "\n```"


@pytest.fixture
def services():
    with scholars.served() as served:
        yield served


@pytest.fixture
def online(study, services):
    asked = (OpenAlex(services.manners(tries=1)), Arxiv(services.manners(tries=1)))
    return replace(study, backends=replace(study.backends, scholars=asked))


def records(study):
    return [FrozenSource.model_validate_json(line) for line in study.workspace.read(FILE).splitlines()]


def test_without_services_a_small_library_is_citable_whole_and_no_model_is_asked(study, llm):
    known = search_sources((), study)
    assert llm.requests == []
    assert (known.chosen, citable(study.workspace).keys) == ((), ("dunnett1955",))
    (record,) = records(study)
    assert record.source == "library:dunnett1955" and "Dunnett" in record.reply


def test_what_the_model_chooses_becomes_an_entry_with_the_source_s_fields(online, llm, services):
    llm.answers = [searches(scholars.SPARSE["title"]), choice(SPARSE)]
    known = search_sources((), online)
    assert known.chosen == ("cunningham2023sparse",)
    kept = records(online)[-1]
    assert (kept.key, kept.source) == ("cunningham2023sparse", SPARSE)
    assert json.loads(kept.reply)["display_name"] == scholars.SPARSE["title"]
    source = citable(online.workspace).sources["cunningham2023sparse"]
    assert (source.title, source.arxiv, source.year) == (scholars.SPARSE["title"], "2309.08600", 2023)
    assert source.authors[0] == "Cunningham, Hoagy"
    assert search_sources((), online) == known
    assert len(llm.requests) == 2


def test_an_id_that_no_source_returned_goes_back(online, llm):
    llm.answers = [searches(scholars.SPARSE["title"]), choice("openalex:W1", SPARSE), choice()]
    assert search_sources((), online).chosen == ()
    assert "openalex:W1" in llm.requests[-1].messages[-1].content


def test_a_work_without_authors_is_never_offered(online, llm, services):
    llm.answers = [searches(scholars.NAMELESS["title"], scholars.SPARSE["title"]), choice()]
    search_sources((), online)
    found = online.workspace.read(FOUND)
    assert "Nobody" not in found and "Highly Interpretable" in found


def test_a_work_that_two_searches_or_the_library_know_is_offered_once(online, llm):
    title = scholars.SPARSE["title"]
    llm.answers = [searches(title, title.upper(), "Multiple Comparison Procedure Several Treatments"), choice()]
    search_sources((), online)
    assert len(online.workspace.read(FOUND).splitlines()) == 1


def test_where_the_first_service_fails_the_next_is_asked_and_it_is_said(online, llm, services):
    services.faults = [lambda handler: handler.reply(503, "down", "plain")]
    llm.answers = [searches(scholars.SPARSE["title"]), choice("arxiv:2309.08600")]
    assert search_sources((), online).chosen == ("cunningham2023sparse",)
    assert any("openalex: it fails" in line for line in online.backends.screen.lines)


def test_where_no_service_answers_the_idea_stops_and_goes_on_later(online, llm, services):
    services.faults = [lambda handler: handler.reply(503, "down", "plain")] * 2
    llm.answers = [searches(scholars.SPARSE["title"]), choice(SPARSE)]
    with pytest.raises(ScholarUnavailable, match="openalex.*arxiv"):
        search_sources((), online)
    fresh = (OpenAlex(services.manners()),)
    later = replace(online, backends=replace(online.backends, scholars=fresh))
    assert search_sources((), later).chosen == ("cunningham2023sparse",)
    assert [request.step for request in llm.requests] == ["queries", "choice"]


def test_a_library_too_large_for_a_prompt_is_searched_by_its_index(study, llm, monkeypatch):
    monkeypatch.setattr(search, "SHOWN_WHOLE", 0)
    llm.answers = [searches("comparing treatments with a control"), choice("library:dunnett1955")]
    assert search_sources((), study).chosen == ()
    assert citable(study.workspace).keys == ("dunnett1955",)
    assert "Dunnett" not in llm.requests[0].messages[-1].content
    assert "library:dunnett1955: Dunnett" in llm.requests[1].messages[-1].content


def test_nothing_chosen_of_a_large_library_is_a_paper_that_cites_nothing(study, llm, monkeypatch):
    monkeypatch.setattr(search, "SHOWN_WHOLE", 0)
    llm.answers = [searches(), '```json\n{"citations": []}\n```']
    search_sources((), study)
    assert cite_sources([], study).keys == ()


def test_a_record_that_was_changed_afterwards_is_refused(online, llm):
    llm.answers = [searches(scholars.SPARSE["title"]), choice(SPARSE)]
    search_sources((), online)
    text = online.workspace.read(FILE).replace('publication_year\\":2023', 'publication_year\\":1999')
    online.workspace.write(FILE, text)
    with pytest.raises(BadInput, match=r"citable\.jsonl:2: .*not the one that was frozen"):
        citable(online.workspace)
