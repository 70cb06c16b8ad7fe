"""The four clients against a server that answers in the services' forms, and misbehaves as they do."""

import json
import time

import pytest

from orchestrator.backends.scholar import open_scholars, scholar_names
from orchestrator.backends.scholar.arxiv import Arxiv
from orchestrator.backends.scholar.courtesy import Line, Manners
from orchestrator.backends.scholar.crossref import Crossref
from orchestrator.backends.scholar.openalex import OpenAlex
from orchestrator.backends.scholar.reading import clean, person, question
from orchestrator.backends.scholar.semanticscholar import SemanticScholar
from orchestrator.errors import BadInput, ScholarUnavailable
from orchestrator.models.keys import Keys
from tests import scholars

CLIENTS = {"openalex": OpenAlex, "semanticscholar": SemanticScholar, "crossref": Crossref, "arxiv": Arxiv}
KNOWN = {name: scholars.BIAS if name == "crossref" else scholars.SPARSE for name in CLIENTS}
every_service = pytest.mark.parametrize("name", CLIENTS)


@pytest.fixture
def services():
    with scholars.served() as served:
        yield served


def refuse(status, text='{"message": "no", "error": "no"}', form="json", headers=()):
    return lambda handler: handler.reply(status, text, form, headers)


def drop(handler):
    handler.close_connection = True
    handler.connection.close()


@every_service
def test_a_search_returns_the_service_s_own_fields(services, name):
    work = KNOWN[name]
    (found,) = CLIENTS[name](services.manners()).search(work["title"], 5)
    assert (found.title, found.year) == (work["title"], work["year"])
    assert [author.replace(",", "").split() for author in found.authors] == [
        sorted(f"{given} {family}".split(), key=found.authors[at].replace(",", "").split().index)
        for at, (given, family) in enumerate(work["people"])
    ]
    assert found.arxiv == work.get("arxiv", "") and found.doi == work.get("doi", "")
    assert found.id.startswith(f"{name}:") and found.citable
    assert work["title"] in found.reply


@every_service
def test_an_identifier_is_looked_up_and_an_unknown_one_is_none(services, name):
    client = CLIENTS[name](services.manners())
    kind = "doi" if name == "crossref" else "arxiv"
    assert client.lookup(kind, KNOWN[name][kind]).title == KNOWN[name]["title"]
    assert client.lookup(kind, "10.9999/none" if kind == "doi" else "9901.00001") is None
    assert len(services.asked) == 2


@every_service
def test_nothing_found_is_an_empty_answer_and_no_error(services, name):
    client = CLIENTS[name](services.manners())
    assert client.search("Quantum Gravity of Teapots", 5) == ()
    assert client.search("?!", 5) == ()
    assert len(services.asked) == 1


@every_service
@pytest.mark.parametrize("fault", [refuse(429), refuse(503), refuse(500, "<html>down</html>", "html"), drop])
def test_a_passing_fault_is_asked_again(services, name, fault):
    services.faults = [fault, fault]
    assert CLIENTS[name](services.manners()).search(KNOWN[name]["title"], 5)
    assert len(services.asked) == 3


@every_service
def test_tries_are_bounded_and_the_service_is_named(services, name):
    services.faults = [refuse(429)] * 9
    with pytest.raises(ScholarUnavailable, match=rf"{name}: it limits how often .*status 429"):
        CLIENTS[name](services.manners(tries=3)).search("sparse autoencoders", 5)
    assert len(services.asked) == 3


@every_service
def test_a_wait_that_the_service_asks_for_is_kept(services, name):
    services.faults = [refuse(429, headers=[("Retry-After", "1")])]
    begun = time.monotonic()
    assert CLIENTS[name](services.manners()).search(KNOWN[name]["title"], 5)
    assert time.monotonic() - begun >= 1


@every_service
def test_a_wait_beyond_our_patience_is_not_begun(services, name):
    services.faults = [refuse(429, headers=[("Retry-After", "3600")])]
    begun = time.monotonic()
    with pytest.raises(ScholarUnavailable, match="asks to wait 3600 s"):
        CLIENTS[name](services.manners()).search("sparse autoencoders", 5)
    assert time.monotonic() - begun < 3


@every_service
@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("<html>Please log in to this network</html>", "html"),
        ("", "json"),
        ('{"status": "ok"}', "json"),
        ('{"results": [{"id": 1}]}', "json"),
        ('[1, 2, {"da', "html"),
    ],
)
def test_an_answer_of_another_form_is_never_an_empty_one(services, name, body, form):
    services.faults = [refuse(200, body, form)]
    with pytest.raises(ScholarUnavailable, match=f"{name}: its answer can't be read"):
        CLIENTS[name](services.manners()).search("sparse autoencoders", 5)
    assert len(services.asked) == 1


@every_service
def test_a_search_at_an_address_that_is_not_there_is_no_empty_answer(services, name):
    services.faults = [refuse(404)]
    with pytest.raises(ScholarUnavailable, match="status 404"):
        CLIENTS[name](services.manners()).search("sparse autoencoders", 5)


@every_service
def test_a_silent_service_is_given_up_in_time(services, name):
    services.faults = [lambda handler: time.sleep(1.5)]
    with pytest.raises(ScholarUnavailable, match="no answer in time|can't be reached"):
        CLIENTS[name](services.manners(try_s=0.3, tries=1)).search("sparse autoencoders", 5)


@every_service
def test_a_service_that_is_not_there_is_named(name):
    manners = Manners(base_urls={name: "http://127.0.0.1:9"}, pace=0, tries=2, wait_s=0.01)
    with pytest.raises(ScholarUnavailable, match=f"{name}: it can't be reached"):
        CLIENTS[name](manners).search("sparse autoencoders", 5)


@every_service
def test_every_request_says_who_asks(services, name):
    CLIENTS[name](services.manners(mailto="me@example.org")).search("sparse autoencoders", 5)
    (_, _, headers), *_ = services.asked
    assert "Groundwork/" in headers["User-Agent"] and "mailto:me@example.org" in headers["User-Agent"]


def test_keys_go_to_their_services_alone(services):
    manners = services.manners()
    OpenAlex(manners, "alex-key-1").search("sparse autoencoders", 5)
    SemanticScholar(manners, "s2-key-1").search("sparse autoencoders", 5)
    Arxiv(manners).search("sparse autoencoders", 5)
    OpenAlex(manners).search("sparse autoencoders", 5)
    held = [{name: value for name, value in headers.items() if "-key-1" in value} for _, _, headers in services.asked]
    assert [set(one.values()) for one in held] == [{"Bearer alex-key-1"}, {"s2-key-1"}, set(), set()]


def test_requests_keep_the_service_s_pace(services):
    line = Line("slow", 0.2, Manners())
    begun = time.monotonic()
    assert [line.ask(lambda: 1) for _ in range(3)] == [1, 1, 1]
    assert time.monotonic() - begun >= 0.4


def test_a_defect_of_ours_is_no_fault_of_a_service():
    def broken():
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        Line("any", 0, Manners()).ask(broken)


def test_an_error_that_arxiv_sends_as_a_work_is_one(services):
    body = scholars.atom_feed([scholars.SPARSE]).replace("arxiv.org/abs/2309.08600v3", "arxiv.org/api/errors#bad")
    services.faults = [refuse(200, body, "atom")]
    with pytest.raises(ScholarUnavailable, match="arxiv"):
        Arxiv(services.manners()).lookup("arxiv", "2309.08600")


def test_crossref_joins_title_and_subtitle_and_drops_markup(services):
    found = Crossref(services.manners()).lookup("doi", scholars.BIAS["doi"])
    assert found.other_titles == (f"{scholars.BIAS['title']}: {scholars.BIAS['subtitle']}",)
    assert found.abstract == "A large-scale study of gender bias & more."
    assert (found.kind, found.authors[0]) == ("inproceedings", "De-Arteaga, Maria")


def test_crossref_s_organisations_are_one_name_each(services):
    work = scholars.crossref_work(scholars.BIAS) | {"author": [{"name": "Gemma Team, Google"}, {"family": "Plato"}]}
    services.faults = [refuse(200, json.dumps({"status": "ok", "message": work}))]
    assert Crossref(services.manners()).lookup("doi", scholars.BIAS["doi"]).authors == ("{Gemma Team, Google}", "Plato")


def test_a_query_is_words_and_no_service_s_syntax(services):
    query = 'sparse" OR title:x&fields=all (autoencoders)*'
    for name, client in CLIENTS.items():
        client(services.manners()).search(query, 5)
        path, asked, _ = services.asked[-1]
        assert path.startswith(f"/{name}/")
        words = " ".join(value for values in asked.values() for value in values)
        assert not set(words.replace('all:"', "").replace('"', "")) & set("()*&")
    assert question("The role of T-SAEs: a (re)view") == ["role", "T-SAEs", "re", "view"]


def test_names_and_texts_are_made_harmless():
    assert clean("Mind<b> the</b> gap: 3 < 5\x00 &lt;i&gt;") == "Mind the gap: 3 < 5"
    assert person("Smith, John, Jr., PhD") == "{Smith, John, Jr., PhD}"
    assert person("Research and Development") == "{Research and Development}"
    assert person(r"Eve \input{x}") == "Eve inputx"


def test_services_are_named_and_opened_in_order():
    assert scholar_names("crossref, arxiv,crossref") == ("crossref", "arxiv")
    assert [one.name for one in open_scholars(("arxiv", "openalex"), Keys({}))] == ["arxiv", "openalex"]
    assert open_scholars((), Keys({})) == ()
    for wrong in ("scopus", "", ","):
        with pytest.raises(BadInput, match="--scholar"):
            scholar_names(wrong)


def test_manners_come_from_the_environment_and_a_wrong_address_is_named():
    manners = Manners.from_environment({"GROUNDWORK_MAILTO": "a@b.org", "GROUNDWORK_ARXIV_URL": "http://h/x/"})
    assert (manners.mailto, manners.base_urls) == ("a@b.org", {"arxiv": "http://h/x"})
    with pytest.raises(BadInput, match="GROUNDWORK_MAILTO"):
        Manners.from_environment({"GROUNDWORK_MAILTO": "a@b.org\r\nX: y"})
    with pytest.raises(BadInput, match="base_urls.arxiv"):
        Manners.from_environment({"GROUNDWORK_ARXIV_URL": "export.arxiv.org"})
