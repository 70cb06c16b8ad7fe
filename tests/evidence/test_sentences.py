"""Where a sentence begins and ends, so that it can be wrapped in a command as one piece."""

import pytest

from orchestrator.evidence.sentences import sentences
from orchestrator.evidence.syntax import read


def pieces(text):
    return [(piece.kind, text[piece.start : piece.end]) for piece in sentences(read(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One here. Two there? Three!", ["One here.", "Two there?", "Three!"]),
        (
            "By e.g. Smith et al. (2020), Fig.~3, it is so. Next.",
            ["By e.g. Smith et al. (2020), Fig.~3, it is so.", "Next."],
        ),
        ("It is 0.5 or \\result{run_1}{ev}. Next", ["It is 0.5 or \\result{run_1}{ev}.", "Next"]),
        ("So \\emph{said} he.~Next one", ["So \\emph{said} he.", "Next one"]),
        ("By\n\\[ a = b. \\]\nNext", ["By\n\\[ a = b. \\]", "Next"]),
        ("One\n\nTwo", ["One", "Two"]),
        ("lower case. starts here", ["lower case.", "starts here"]),
        ("(Said so.) Then", ["(Said so.)", "Then"]),
    ],
)
def test_sentences(text, found):
    assert pieces(text) == [("text", one) for one in found]


def test_what_holds_several_sentences_is_opened_and_what_holds_one_is_not():
    assert pieces("\\emph{One. Two.} {Three. Four.}") == [("text", one) for one in ("One.", "Two.", "Three.", "Four.")]
    assert pieces("An \\emph{only} one.") == [("text", "An \\emph{only} one.")]


def test_headings_items_captions_and_footnotes_have_sentences_of_their_own():
    text = (
        "\\paragraph{Head.} Said.\\footnote{Below. Again.} On.\n\n"
        "\\begin{itemize}\\item[a] One.\\item Two.\\end{itemize}\n\n\\evidencefigure{f}{fig:f}{Drawn. Seen.}"
    )
    assert pieces(text) == [
        ("block", "\\paragraph{Head.}"),
        ("heading", "Head."),
        ("text", "Said.\\footnote{Below. Again.}"),
        ("footnote", "Below."),
        ("footnote", "Again."),
        ("text", "On."),
        ("block", "\\item[a]"),
        ("heading", "a"),
        ("text", "One."),
        ("block", "\\item "),
        ("text", "Two."),
        ("block", "\\evidencefigure{f}{fig:f}{Drawn. Seen.}"),
        ("caption", "Drawn."),
        ("caption", "Seen."),
    ]


def test_an_environment_that_is_not_allowed_is_one_piece_around_what_it_holds():
    assert pieces("\\begin{verbatim}as. is\\end{verbatim}")[0] == ("block", "\\begin{verbatim}as. is\\end{verbatim}")


def test_a_sentence_says_what_stands_in_it_and_not_in_its_footnote():
    text = "H1 is \\outcome{H1}.\\footnote{See \\result{run_1}{ev}.}"
    said, below = sentences(read(text))
    assert [one.name for one in said.references] == ["outcome"]
    assert [one.name for one in below.references] == ["result"]
    assert "See" not in said.prose


def test_clauses_end_at_a_semicolon():
    text = "H1 is \\outcome{H1}; it was $a;b$ (c; d)."
    (sentence,) = sentences(read(text))
    assert [text[a:b] for a, b in sentence.clauses()] == ["H1 is \\outcome{H1};", "it was $a;b$ (c;", "d)."]


@pytest.mark.parametrize("text", ["a { b", "$x", "\\begin{itemize}"])
def test_what_does_not_parse_is_one_piece(text):
    assert pieces(text) == [("broken", text)]


def test_braces_nested_beyond_reason_are_a_fault_and_no_crash():
    passage = read("{" * 5000 + "}" * 5000)
    assert passage.broken and "parse" in passage.faults[0][1]
