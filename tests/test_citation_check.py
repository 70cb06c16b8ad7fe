"""Bibliographies in the wild: what is verified, altered, invented, and what nobody could look up."""

import json
import os

import pytest

from orchestrator.backends.scholar.arxiv import Arxiv
from orchestrator.backends.scholar.crossref import Crossref
from orchestrator.backends.scholar.openalex import OpenAlex
from orchestrator.citation_check import check_entry
from orchestrator.paper.bib import Library, read_sources
from orchestrator.paper.shelf import Shelf
from tests import scholars
from tests.conftest import ROOT

LIBRARY = ROOT / "templates" / "temporal_sae" / "references.bib"
GOOD = """@inproceedings{cunningham, title={Sparse autoencoders find highly interpretable features in language models},
 author={Hoagy Cunningham and Aidan Ewart and Logan Riggs and Robert Huben and Lee Sharkey}, year={2023},
 journal={arXiv preprint arXiv:2309.08600}}"""


@pytest.fixture(scope="module")
def shelf():
    return Shelf(Library.read(LIBRARY).sources)


@pytest.fixture
def check(tmp_path, shelf):
    def checked(text, *asked):
        path = tmp_path / "wild.bib"
        path.write_text(text, encoding="utf-8")
        entries, _ = read_sources(path)
        ((key, entry),) = entries.items()
        return check_entry(key, entry, asked or (shelf,))

    return checked


def fields(checked):
    return {difference.field: (difference.entry, difference.source) for difference in checked.differences}


def test_the_library_verifies_itself_and_a_plainer_form_of_its_entries(shelf, check):
    for key, entry in Library.read(LIBRARY).sources.items():
        assert check_entry(key, entry, [shelf]).verdict == "verified", key
    assert check(GOOD).verdict == "verified"
    assert check(GOOD.replace(" and Robert Huben and Lee Sharkey", " and others")).verdict == "verified"


def test_an_invented_work_is_unknown(check):
    invented = "@article{x, title={Sparse Autoencoders Solve Interpretability}, author={Doe, Jane}, year={2024}}"
    checked = check(invented)
    assert (checked.verdict, checked.source) == ("unknown", "")


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        (("Riggs", "Rigby"), "author", "Rigby"),
        ((" and Lee Sharkey", ""), "author", "Sharkey"),
        (("year={2023}", "year={2019}"), "year", "2024"),
        (("2309.08600", "2309.99999"), "arxiv", "2309.08600"),
        (("2309.08600", "2406.04093"), "arxiv", "Scaling and Evaluating Sparse Autoencoders"),
        (("highly interpretable features in", "wholly uninterpretable parts of"), "title", "Highly Interpretable"),
    ],
)
def test_an_altered_field_is_named_with_what_the_source_says(check, change, field, says):
    checked = check(GOOD.replace(*change))
    assert checked.verdict == "altered"
    assert set(fields(checked)) == {field}
    assert any(says in side for side in fields(checked)[field])
    assert checked.source == "library:cunningham2024sparse"


def test_of_two_works_called_crosscoding_through_time_each_is_only_itself(check):
    entry = "@misc{{c, title={{Crosscoding Through Time{0}}}, author={{{1}}}, year={{2026}}}}"
    theirs = "Bayazit, Deniz and Mueller, Aaron and Bosselut, Antoine"
    known = next(s for k, s in Library.read(LIBRARY).sources.items() if k == "bayazit2026crosscoding")
    theirs = " and ".join(known.authors)
    assert check(entry.format("", theirs)).verdict == "verified"
    other = entry.format(": Sparse Feature Discovery Across Sequence Positions", "Somebody, Else")
    assert check(other).verdict == "unknown"
    mixed = check(entry.format(known.title.removeprefix("Crosscoding Through Time"), "Somebody, Else"))
    assert (mixed.verdict, set(fields(mixed))) == ("altered", {"author"})


@pytest.mark.parametrize("given", ["2309.08600", "2310.12345"])
def test_towards_monosemanticity_has_no_arxiv_id(check, given):
    known = Library.read(LIBRARY).sources["bricken2023monosemanticity"]
    authors = " and ".join(known.authors)
    entry = f"@article{{b, title={{{known.title}}}, author={{{authors}}}, year={{2023}}"
    assert check(entry + "}").verdict == "verified"
    checked = check(f"{entry}, journal={{arXiv preprint arXiv:{given}}}}}")
    assert (checked.verdict, set(fields(checked))) == ("altered", {"arxiv"})
    assert fields(checked)["arxiv"][0] == given


def test_an_entry_without_authors_is_never_verified(check):
    checked = check(
        "@misc{i, title={Interpretability as Compression: Reconsidering SAE Explanations of Neural "
        "Activations with MDL-SAEs}, year={2024}, eprint={2410.11179}}"
    )
    assert (checked.verdict, set(fields(checked))) == ("altered", {"author"})


def test_a_retitled_paper_needs_its_source_to_list_the_title(check, shelf):
    entry = """@misc{e, title={Not All Language Model Features Are Linear}, eprint={2405.14860}, year={2024},
      author={Engels, Joshua and Michaud, Eric J. and Liao, Isaac and Gurnee, Wes and Tegmark, Max}}"""
    checked = check(entry)
    assert set(fields(checked)) == {"title"}
    engels = Library.read(LIBRARY).sources["engels2025notall"]
    both = engels.model_copy(update={"other_titles": ("Not All Language Model Features Are Linear",)})
    assert check(entry, Shelf({"e": both})).verdict == "verified"


def test_of_the_author_lists_of_two_versions_either_is_right(check):
    known = Library.read(LIBRARY).sources["chanin2025absorption"]
    longer = known.model_copy(update={"id": "arxiv:v5", "authors": (*known.authors, "Late, Lee")})
    entry = f"@misc{{c, title={{{known.title}}}, year={{2024}}, author={{{{0}}}}}}".replace("{{0}}", "{%s}")
    for authors in (known.authors, longer.authors):
        assert check(entry % " and ".join(authors), Shelf({"a": known, "b": longer})).verdict == "verified"
    assert check(entry % "Chanin, David and Late, Lee", Shelf({"a": known, "b": longer})).verdict == "altered"


def test_services_verify_what_the_library_lacks_and_are_asked_in_turn(check, shelf):
    entry = """@inproceedings{d, title={Bias in {B}ios: A case study of semantic representation bias in a high-stakes
      setting}, author={De-Arteaga, Maria and Romanov, Alexey}, year={2019}, doi={10.1145/3287560.3287572}}"""
    with scholars.served() as services:
        checked = check(entry, Shelf({}), Crossref(services.manners()), OpenAlex(services.manners()))
        assert (checked.verdict, checked.source) == ("verified", "crossref:10.1145/3287560.3287572")
        assert {path.split("/")[1] for path, _, _ in services.asked} == {"crossref"}
        wrong = check(entry.replace("3287572", "3287573"), Crossref(services.manners()))
        assert (wrong.verdict, set(fields(wrong))) == ("altered", {"doi"})


def test_where_a_service_could_not_be_asked_nothing_is_verified_and_nothing_called_invented(check):
    with scholars.served() as services:
        services.faults = [lambda handler: handler.reply(503, "down", "plain")] * 9
        asked = (Shelf({}), Arxiv(services.manners(tries=2)))
        checked = check(GOOD, *asked)
        assert (checked.verdict, checked.source) == ("unchecked", "")
        assert "arxiv: it fails (status 503)" in checked.unreached[0]
        # A service that was tried in vain is not tried again for every entry.
        assert check(GOOD, *asked).verdict == "unchecked"
        assert len(services.asked) == 2


def test_the_command_prints_each_finding_and_its_status_tells(launch, tmp_path):
    path = tmp_path / "wild.bib"
    path.write_text(GOOD)
    done = launch("cite-check", path)
    assert (done.returncode, "1 verified, 0 altered" in done.stdout) == (0, True)
    path.write_text(GOOD + "@misc{made_up, title={Of Things Nobody Wrote}, author={No, Body}, year={2020}}\n" + GOOD)
    done = launch("cite-check", path, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["counts"] == {"verified": 1, "altered": 0, "unknown": 1, "unchecked": 1}
    assert report["asked"] == ["library"]


def test_the_command_asks_named_services_and_no_other(launch, tmp_path):
    path = tmp_path / "wild.bib"
    path.write_text(GOOD)
    empty = tmp_path / "empty.bib"
    empty.write_text("")
    with scholars.served() as services:
        environment = {**os.environ, **services.variables, "SEMANTIC_SCHOLAR_API_KEY": "s2-key-0001"}
        done = launch("cite-check", path, "--library", empty, "--scholar", "semanticscholar", env=environment)
        asked = {path.split("/")[1] for path, _, _ in services.asked}
        assert (done.returncode, asked) == (0, {"semanticscholar"}), done.stdout + done.stderr
        assert all(headers["x-api-key"] == "s2-key-0001" for _, _, headers in services.asked)
        services.asked.clear()
        assert launch("cite-check", path, "--library", empty, env=environment).returncode == 1
        assert services.asked == []


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [("@article{x, title={T", (), "no valid BibTeX"), (None, (), "cannot be read"), (GOOD, ("--scholar", "x"), "x")],
)
def test_what_cannot_be_read_is_named(launch, tmp_path, text, arguments, says):
    path = tmp_path / "wild.bib"
    if text is not None:
        path.write_text(text)
    done = launch("cite-check", path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
