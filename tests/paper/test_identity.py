"""One work in many spellings, and different works that look alike."""

import pytest

from orchestrator.paper.identity import arxiv_id, doi, families, family, likeness, plain, same_work, shortened, words
from orchestrator.records import Source


def work(title="Sparse Codes", authors=("Doe, Jane",), year=2024, **fields):
    return Source(id="library:x", title=title, authors=authors, year=year, **fields)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("2309.08600v2", "2309.08600"),
        ("arXiv preprint arXiv:2309.08600", "2309.08600"),
        ("https://arxiv.org/pdf/2309.08600v1.pdf", "2309.08600"),
        ("10.48550/arXiv.2309.08600", "2309.08600"),
        ("https://arxiv.org/abs/quant-ph/0201082v1", "quant-ph/0201082"),
        ("10.1145/3287560.3287572", ""),
        ("Nature 381:607-609", ""),
        ("12309.08600", ""),
    ],
)
def test_an_arxiv_identifier_is_found_wherever_it_stands(text, identifier):
    assert arxiv_id(text) == identifier


def test_a_doi_has_one_spelling_and_arxiv_s_own_is_none():
    assert doi("https://doi.org/10.1145/3287560.3287572.") == doi("DOI:10.1145/3287560.3287572")
    assert doi("10.1038/S41586-026") == "10.1038/s41586-026"
    assert doi("10.48550/arXiv.2309.08600") == ""


def test_spelling_does_not_matter():
    assert words(r"Val{\'e}rie's {SAE}--Book") == words("Valérie’s sae book") == "valerie s sae book"
    assert likeness("Multi-Level Features", "multi-level {F}eatures") == 1
    assert likeness("", "") == 0
    assert plain(r"90\% of {S}AEs") == "90% of SAEs"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mayrink Verdun, Claudio", "Claudio Mayrink Verdun"),
        (r"Dupr{\'e} la Tour, Tom", "Tom Dupré la Tour"),
        ("{Gemma Team}", "Team, Gemma"),
        ("a, b, c, d", "d"),
    ],
)
def test_a_family_name_is_known_by_its_last_word(one, other):
    assert family(one) == family(other)


def test_a_title_s_name_before_the_colon_is_one_from_three_words_on():
    assert shortened("Crosscoding Through Time", "Crosscoding through time: Tracking Emergence")
    assert not shortened("Deep Learning", "Deep Learning: A Survey")
    assert not shortened("Crosscoding Through Time: A", "Crosscoding Through Time: B")


def test_works_are_the_same_by_identifier_or_by_title_author_and_year():
    assert same_work(work("Old Title", arxiv="2309.08600"), work("New Title", ("Roe, R",), arxiv="2309.08600"))
    assert same_work(work(year=2023), work("sparse codes", year=2024, doi="10.1000/x"))
    assert not same_work(work(), work(authors=("Roe, R",)))
    assert not same_work(work(), work(year=2020))
    assert not same_work(work(arxiv="2309.08600"), work(arxiv="2309.08601"))
    assert families(work(authors=("Doe, Jane", "van der Berg, Bo"))) == ("doe", "berg")
