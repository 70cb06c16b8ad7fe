import pytest

from orchestrator.errors import BadInput
from orchestrator.paper.bib import Library

BIB = r"""
@inproceedings{oli2020a,
  author = {Oli, Ada and van der Berg, Bo and Costa, Val{\'e}rie},
  title = {The {SAE} Book},
  booktitle = {A Conference},
  year = {2020},
  annote = {Says how it was done.},
  url = {https://example.org/a_b%20c}
}
@article{doe2021,
  author = {Doe, Jane and {The Team}},
  title = {On Testing},
  journal = {Journal},
  year = {2021}
}
"""


def library(tmp_path, text=BIB):
    path = tmp_path / "references.bib"
    path.write_text(text, encoding="utf-8")
    return Library.read(path)


def test_keys_are_exact(tmp_path):
    keys = library(tmp_path).keys
    assert keys == ("oli2020a", "doe2021")
    assert "li2020" not in keys


def test_the_description_has_a_line_for_each_entry(tmp_path):
    assert library(tmp_path).describe().split("\n") == [
        "oli2020a: Oli et al. (2020). The SAE Book. Says how it was done.",
        "doe2021: Doe and The Team (2021). On Testing.",
    ]


def test_a_selection_holds_the_cited_entries_alone_and_reads_back(tmp_path):
    selected = library(tmp_path).select(["oli2020a"])
    assert "doe2021" not in selected
    assert "Says how it was done" not in selected
    again = library(tmp_path, selected)
    assert again.keys == ("oli2020a",)
    assert r"{SAE}" in selected
    assert "https://example.org/a_b%20c" in selected


def test_a_selection_leaves_what_is_escaped_and_makes_commands_of_accents(tmp_path):
    text = "@misc{eber2022, author={Éber, Änne}, title={Q\\&A of 5\\% \u2013 größer}, year={2022}}"
    selected = library(tmp_path, text).select(["eber2022"])
    assert r"{\'E}ber" in selected
    assert r"Q\&A of 5\% " in selected
    assert selected.isascii()


def test_an_unknown_key_is_named(tmp_path):
    with pytest.raises(BadInput, match="no entry li2020"):
        library(tmp_path).select(["doe2021", "li2020"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@article{nobody2020, title={T}, year={2020}}", "entry 'nobody2020' has no author"),
        ("@article{undated, title={T}, author={A, B}}", "entry 'undated' has no year"),
        ("@article{broken2020, title={T", "references.bib: no valid BibTeX"),
        (BIB + BIB, "repeated bibliography entry: oli2020a"),
    ],
)
def test_a_bad_file_is_named_with_its_key(tmp_path, text, says):
    with pytest.raises(BadInput, match=says):
        library(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"absent\.bib"):
        Library.read(tmp_path / "absent.bib")
