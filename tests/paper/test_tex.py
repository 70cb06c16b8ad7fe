import shutil
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from orchestrator.paper.tex import Outcome, Paper, Part, complaints, render
from orchestrator.records import Evidence, EvidenceEntry, MetricSpec

TEMPLATE = Path(__file__).parents[2] / "latex_template"


def entry(metric: str, seeds: tuple[int, ...]) -> EvidenceEntry:
    return EvidenceEntry(
        id=f"run_0@l1=0.004/{metric}",
        value=0.70213,
        interval=(0.69893, 0.70533),
        run="run_0",
        condition="l1=0.004",
        metric=metric,
        split="test",
        seeds=seeds,
        per_seed=(0.7, 0.704),
        file="run_0/test_info.json",
        key=f"l1=0.004/final_info_dict/{metric}",
        sha256="0123456789abcdef" * 4,
        computed_by="grader",
    )


EVIDENCE = Evidence(
    entries=(entry("mse", (1, 2)), entry("explained_variance", (1, 2)), entry("l0", (3, 4))),
    runs={"run_0": "baseline"},
    settings={},
    counts={},
    hypotheses=(),
    metrics=(MetricSpec(name="mse", words="mean squared error", direction="lower", unit="units^2"),),
)
PAPER = Paper(
    title="A \\emph{title} of R\\&D",
    provenance="Scripted answers: 100 % real_runs & no more.",
    abstract="An abstract.",
    parts=(Part("First & last", "Text of the first."), Part("Second", "Text of the second.")),
    hypotheses=(Outcome("H1", "the a_b run has a lower L0", "not assessed"),),
    used=(1, 3),
    bibliography="references",
)


def test_a_document_holds_its_parts_in_order():
    text = render(PAPER, EVIDENCE, TEMPLATE)
    pieces = [
        r"pdftitle={A title of R D}",
        r"A \emph{title} of R\&D",
        r"Scripted answers: 100 \% real\_runs \& no more.",
        "An abstract.",
        r"\section{First \& last}",
        "Text of the first.",
        r"\section{Second}",
        r"\item[H1] the a\_b run has a lower L0. \textbf{Outcome: not assessed.}",
        r"\bibliography{references}",
        r"\label{app:evidence}",
        r"\item[mse:] mean squared error (in units\textasciicircum{}2)",
        r"\hypertarget{evidence.1}",
        r"\hypertarget{evidence.3}",
        r"\end{document}",
    ]
    places = [text.find(piece) for piece in pieces]
    assert -1 not in places, pieces[places.index(-1)]
    assert places == sorted(places)


def test_the_appendix_has_the_used_entries_and_the_start_of_their_hash():
    text = render(PAPER, EVIDENCE, TEMPLATE)
    assert r"\hypertarget{evidence.2}" not in text
    assert r"\ensuremath{0.7021 \pm 0.0032}" in text
    assert "0123456789ab}" in text
    assert "0123456789abc" not in text
    assert "A~= 1, 2;\nB~= 3, 4." in text


def test_a_hypothesis_that_was_frozen_later_says_when():
    later = Outcome("H3", "the b run has a higher L0", "confirmed", frozen_after=2)
    text = render(replace(PAPER, hypotheses=(*PAPER.hypotheses, later)), EVIDENCE, TEMPLATE)
    assert "frozen before the first run, but for those that name a later time." in text
    assert r"the b run has a higher L0. (frozen when 2 runs were known, tested on fresh seeds) \textbf" in text
    assert text.count("fresh seeds") == 1
    assert "later time" not in render(PAPER, EVIDENCE, TEMPLATE)


def test_a_paper_without_citations_values_and_hypotheses_has_none_of_their_blocks():
    bare = Paper(title="T", provenance="P", abstract="A", parts=(), hypotheses=(), used=())
    text = render(bare, EVIDENCE, TEMPLATE)
    assert "\\bibliography" not in text
    assert "longtable}{" not in text
    assert "Hypotheses and outcomes" not in text
    assert "This paper prints no value." in text


def test_a_frame_that_asks_for_what_is_not_there_is_an_error(tmp_path):
    folder = shutil.copytree(TEMPLATE, tmp_path / "frame")
    with (folder / "paper.tex.j2").open("a") as file:
        file.write("<< venue >>")
    with pytest.raises(jinja2.UndefinedError, match="venue"):
        render(PAPER, EVIDENCE, folder)


def test_the_log_is_read_for_what_a_reader_would_see():
    log = (
        "Overfull \\hbox (12.5pt too wide) in paragraph at lines 10--12\n"
        "Overfull \\hbox (3.1pt too wide) in paragraph at lines 20--22\n"
        "Overfull \\vbox (44.0pt too high) has occurred while \\output is active []\n"
        "LaTeX Warning: Reference `tab:x' on page 1 undefined on input line 7.\n"
        "Package natbib Warning: Citation `li2020' on page 2 undefined on input line 9.\n"
        "LaTeX Warning: Label `eq:a' multiply defined.\n"
        "LaTeX Warning: There were undefined references.\n"
    )
    assert complaints(log) == (
        "overfull by 12.5 pt at lines 10--12",
        "overfull by 44.0 pt",
        "Reference `tab:x' on page 1 undefined",
        "Citation `li2020' on page 2 undefined",
        "Label `eq:a' multiply defined",
    )
