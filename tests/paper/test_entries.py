"""Entries made of what a source says: our key, its fields, and nothing that TeX would obey."""

from orchestrator.paper.bib import Library
from orchestrator.paper.entries import entry_of, key_of
from orchestrator.paper.shelf import Shelf
from orchestrator.records import Source


def work(**fields):
    values = {"id": "x:1", "title": "On the Sparse Codes", "authors": ("Éber, Änne", "Li, T."), "year": 2026}
    return Source(**{**values, **fields})


def test_a_key_is_author_year_word_and_unique():
    assert key_of(work(), ()) == "eber2026sparse"
    assert key_of(work(), ("eber2026sparse", "eber2026sparsea")) == "eber2026sparseb"
    assert key_of(work(title="1984", authors=("{中}",)), ()).isascii()


def test_an_entry_reads_back_as_the_source_said_it():
    source = work(venue="Nature & Co", doi="10.1000/a_b", arxiv="2309.08600", url="https://example.org/a_b%20c")
    (again,) = Library.parse(
        entry_of("k", source.model_copy(update={"url": "https://example.org/a_b"})), "x"
    ).sources.values()
    assert again.title == source.title
    assert again.authors == source.authors
    assert (again.venue, again.doi, again.arxiv, again.year) == ("Nature & Co", "10.1000/a_b", "2309.08600", 2026)


def test_nothing_that_a_source_says_is_a_command_or_ends_its_field():
    evil = r"\input{/etc/passwd} } @misc{x, title={y}} $\alpha$ 50% #1 ~ ^ _ 中"
    entry = entry_of("k", work(title=evil, venue=evil, abstract=evil, authors=("{" + evil.replace("{", "") + "}",)))
    assert r"\input" not in entry and entry.isascii()
    library = Library.parse(entry, "x")
    assert library.keys == ("k",)
    assert "/etc/passwd" in library.select(["k"])


def test_an_address_that_could_hold_markup_and_unknown_fields_are_left_out():
    entry = entry_of("k", work(url="https://x.org/}\\input{y}"))
    assert "url" not in entry and "doi" not in entry and "howpublished" not in entry


def test_an_organisation_stays_one_name():
    (source,) = Library.parse(entry_of("k", work(authors=("{Research and Development}",))), "x").sources.values()
    assert source.authors == ("Research and Development",)


def test_the_shelf_ranks_titles_first_and_takes_no_query_for_syntax():
    works = {
        "a": work(id="library:a", title="Slow Features", abstract="A sparse code."),
        "b": work(id="library:b", title="Sparse Coding", arxiv="2309.08600"),
        "c": work(id="library:c", title="Nothing Alike"),
    }
    shelf = Shelf(works)
    assert [one.id for one in shelf.search("sparse codes", 5)] == ["library:b", "library:a"]
    assert shelf.search('NOT "', 5) == shelf.search("the of", 5) == ()
    assert [one.id for one in shelf.search('title:"Sparse" OR', 1)] == ["library:b"]
    assert shelf.lookup("arxiv", "2309.08600").id == "library:b"
    assert shelf.lookup("doi", "10.1000/none") is None
