"""What the paper shows of a section: references expanded, what was refused as it was typed, interpretation apart."""

import pytest

from orchestrator.evidence.references import check
from orchestrator.evidence.striking import UNANSWERED, Place, set_pieces, set_sections, struck_findings
from tests.redteam.study import CITATION_KEYS, study

EVIDENCE = study()
PLAIN = "H1 is \\outcome{H1}."


def shown(text, name="results", **others):
    return set_sections({name: text, **others}, EVIDENCE, CITATION_KEYS)[name].latex


def typed(latex):
    """What the struck parts of a section say, as a reader sees it."""
    parts = [part.split("}}")[0] for part in latex.split("\\struckout{")[1:]]
    return [part.replace("\\allowbreak{}", "").replace("\\struckword{", "").replace("} ", " ") for part in parts]


def test_a_sentence_with_a_problem_is_struck_and_its_neighbours_stand():
    latex = shown(f"{PLAIN} It improves. {PLAIN}")
    assert typed(latex) == ["It improves."]
    assert latex.count("confirmed") == 2


def test_nothing_in_a_struck_sentence_is_expanded_or_works():
    latex = shown("\\input{x} holds \\result{run_1}{explained_variance}.")
    assert "\\input" not in latex
    assert "hyperlink" not in latex
    assert "\\textbackslash{}inpu" in latex


def test_what_does_not_parse_is_struck_paragraph_by_paragraph():
    latex = shown("One { here.\n\nTwo there.")
    assert latex.count("\\struckout{") == 2
    assert typed(latex)[1] == "Two there."


def test_an_empty_section_says_that_it_was_never_answered():
    assert typed(shown("")) == [UNANSWERED]


def test_of_a_figure_with_a_bad_caption_the_caption_alone_is_struck():
    latex = shown("\\evidencefigure{tradeoff}{fig:a}{Each run as a point. The new run wins.}")
    assert "\\includegraphics" in latex
    assert typed(latex) == ["The new run wins."]
    assert "\\interpretation{Each run as a point.}" in latex


def test_a_pointer_to_a_struck_table_is_struck_with_it():
    table = "\\resultstable{run_9}{explained_variance}{tab:a}{Runs.}"
    sections = set_sections({"results": f"{table}\n\n{PLAIN}", "method": "See Table~\\ref{tab:a}."}, EVIDENCE, ())
    assert [one.quote for one in sections["method"].struck] == ["See Table~\\ref{tab:a}."]
    assert [one.quote for one in sections["results"].struck] == [table]
    assert "no label `tab:a`" in sections["method"].struck[0].message


def test_a_label_that_two_sections_define_stops_nothing():
    text = "See \\eqref{eq:a}: \\begin{equation}\\label{eq:a} x = y \\end{equation}"
    texts = {"method": text, "introduction": text}
    assert all(section.struck for section in set_sections(texts, EVIDENCE, ()).values())


@pytest.mark.parametrize("name", ["abstract", "results", "conclusion"])
def test_a_clause_that_no_reference_carries_is_set_as_interpretation(name):
    latex = shown(f"Topics last for long. {PLAIN} On H2 we say: \\outcome{{H2}}; topics drift.", name)
    assert latex.startswith("\\interpretation{Topics last for long.} H1 is \\hyperlink")
    assert latex.endswith("; \\interpretation{topics drift.}")


def test_formulas_and_other_sections_are_no_interpretation():
    assert shown("$a = b$.") == "$a = b$."
    assert shown("Topics last for long.", "introduction") == "Topics last for long."


@pytest.mark.parametrize(
    "text",
    [
        "The adaptive run at \\result{run_1}{l0} is in a league of its own.",
        "The adaptive run reigns on \\count{seeds} of \\count{seeds} seeds.",
        "The adaptive run $\\succ$ the baseline on \\count{seeds} seeds.",
        "The adaptive run is su$\\mathrm{perio}$r at \\result{run_1}{l0}.",
        "The adaptive run has 3 of \\count{seeds} seeds.",
        "The adaptive run takes 25 steps to \\result{run_1}{l0}.",
    ],
)
def test_a_reference_carries_no_other_words_of_its_clause(text):
    assert shown(text).startswith("\\interpretation{The adaptive run")
    assert shown(text).endswith(".}")


def test_names_and_words_that_report_stand_upright():
    for text in (
        "Over \\count{seeds} seeds the adaptive run has \\result{run_1}{l0}.",
        "The baseline at l1=3 reaches \\result{run_0@l1=3}{explained_variance} in explained variance.",
    ):
        assert "\\interpretation" not in shown(text), shown(text)


def test_what_follows_a_result_is_apart_from_it():
    latex = shown("H1 is \\outcome{H1}, a gap that awaits its formal blessing.")
    assert latex.startswith("H1 is \\hyperlink")
    assert latex.endswith("\\interpretation{a gap that awaits its formal blessing.}")


def test_a_heading_is_told_apart_as_well():
    assert shown("\\paragraph{Topics last.} $a$.").startswith("\\paragraph{\\interpretation{Topics last.}}")


def test_a_count_carries_no_cause():
    assert "\\interpretation" not in shown("There were \\count{rejected} rejected attempts.")
    assert shown("Of \\count{rejected} one was left because topics drift.").startswith("\\interpretation{Of 2 one")


def test_a_footnote_is_told_apart_from_the_sentence_that_holds_it():
    latex = shown("H1 is \\outcome{H1}.\\footnote{Topics last.}")
    assert "\\footnote{\\interpretation{Topics last.}}" in latex


def test_what_was_set_passes_for_a_section_s_own_words_nowhere():
    for command in ("\\struckout{x}", "\\interpretation{x}"):
        assert "is not allowed" in check(command, EVIDENCE, ())[0].message


def test_findings_name_file_line_and_sentence():
    finished = set_pieces({("results", 2): f"{PLAIN}\nIt improves."}, EVIDENCE, ())
    (finding,) = struck_findings(finished, {("results", 2): Place("latex/cited/results.tex", 7)})
    assert (finding.code, finding.where, finding.quote) == ("struck-out", "latex/cited/results.tex:8", "It improves.")
