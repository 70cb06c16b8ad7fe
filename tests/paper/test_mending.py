"""Documents that are broken in the ways in which models break them, and what mends each."""

import re
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.evidence.syntax import read
from orchestrator.paper.mending import mend
from orchestrator.paper.pieces import lines_of, pieces_of, typed
from tests.backends.test_latex import SECTIONS

BROKEN = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "broken").glob("*.tex"))
}
# What no code can know: which source, which value, which argument was meant.
BY_MODEL = {"unknown_citation", "broken_reference", "definition", "typed_table", "missing_argument", "stops"}
BY_NOBODY = {"included_file"}
BY_CODE = sorted(set(BROKEN) - BY_MODEL - BY_NOBODY)


def said(text: str) -> Counter[str]:
    """The words of a text, without commands, lengths, names of environments, and comments."""
    text = re.sub(
        r"^%.*|^```\w*|\\(?:begin|end)\{\w+\*?\}|\\[vh]space\{[^}]*\}|\\label\{[^}]*\}", " ", text, flags=re.MULTILINE
    )
    return Counter(re.findall(r"[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+", " ", text)))


def test_there_are_broken_documents_of_many_kinds():
    assert len(BY_CODE) >= 35
    assert set(BROKEN) >= BY_MODEL | BY_NOBODY


@pytest.mark.parametrize("name", BY_CODE)
def test_it_is_mended_without_a_model_and_says_what_it_said(name):
    mended = mend(BROKEN[name])
    assert mended.done
    assert read(mended.text).faults == []
    assert said(BROKEN[name]) - said(mended.text) == Counter()


@pytest.mark.parametrize("name", BY_CODE)
def test_what_was_mended_needs_no_mending(name):
    mended = mend(BROKEN[name]).text
    assert mend(mended).text == mended


@pytest.mark.parametrize("name", sorted(BY_MODEL | BY_NOBODY))
def test_what_nobody_can_know_is_not_guessed(name):
    """It stays a fault, for the check to send back; nothing that changes TeX is let through."""
    kept = mend(BROKEN[name]).text
    assert said(BROKEN[name]) - said(kept) == Counter()
    assert name in {"unknown_citation", "stops"} or read(kept).faults


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_sound_section_is_left_as_it_is(heading):
    assert mend(SECTIONS[heading]).text == SECTIONS[heading]


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("At 5% of R&D for run_1.", r"At 5\% of R\&D for run\_1."),
        ("The size L_0 of x^2.", "The size $L_0$ of $x^2$."),
        ("α ≥ β", r"$\alpha$ $\geq$ $\beta$"),
        ("It is \\textbf{bold here. Not here.", "It is \\textbf{bold here}. Not here."),
        ("**Bold** and `a_b`.", r"\textbf{Bold} and \texttt{a\_b}."),
        ("A $x here. And so on.", "A $x$ here. And so on."),
        ("It costs $5 more.", r"It costs \$5 more."),
        (r"See \cref{fig:a}, \parencite{key}.", r"See \autoref{fig:a}, \citep{key}."),
    ],
)
def test_each_repair_writes_what_was_meant(text, mended):
    assert mend(text).text == mended


def test_names_in_references_are_no_text():
    text = r"As \result{run_1@lr=0.05_a}{mean_alpha} and \citep{a_b} in \ref{fig:a_b} show."
    assert mend(text).text == text


def test_a_section_is_cut_where_nothing_is_open():
    text = "One.\n\n\\begin{itemize}\n\\item a\n\n\\item b\n\\end{itemize}\n\nTwo {broken.\n\nThree."
    assert [piece.source.split("\n")[0] for piece in pieces_of(text)] == [
        "One.", r"\begin{itemize}", "Two {broken.", "Three.",
    ]  # fmt: skip


def test_text_as_it_was_typed_holds_every_character():
    assert (
        typed("50% of a_b \\x{東}") == r"{\ttfamily\small\raggedright 50\% of a\_b \textbackslash{}x\{[U+6771]\}\par}"
    )


def test_an_error_belongs_to_the_piece_in_whose_lines_it_lies():
    assert lines_of("frame\nfirst\n\nsecond\nline\nend", ["first", "second\nline"]) == [range(2, 4), range(4, 7)]
