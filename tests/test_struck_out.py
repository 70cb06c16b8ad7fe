"""A writer that never mends its words: the idea still ends in a paper, and the paper shows what was refused."""

import json
import subprocess
import sys

import pytest
from pypdf import PdfReader

from orchestrator.models.session import SessionEntry, read_session, write_session
from orchestrator.study import MAX_ANSWERS
from tests.conftest import QUICK, ROOT

RESULTS = r"""Of \count{attempts} attempts \count{rejected} were rejected. The error is \result{run_1}{mse}.
Momentum improves the error by 12\%, as \citep{nobody2020} knew. \newcommand{\x}{hidden} It is \result{run_7}{mse}.

\resultstable{run_0,run_1,run_2}{mse}{tab:results}{Every run. Momentum is clearly better, with $\alpha = 0.9$ and an α.}

\begin{verbatim}
as typed
\end{verbatim}
Table~\ref{tab:results} is there, Table~\ref{tab:nowhere} is not.
"""
CONCLUSION = r"H1 is \outcome{H1}, and H2 is \outcome{H2}. This $\frac{a}$ does not parse."


def session(path, **sections):
    header, entries = read_session(QUICK / "quick_momentum.session.jsonl")
    kept = [entry for entry in entries if entry.step not in sections]
    for name, text in sections.items():
        answer = f"```latex\n{text}\n```" if text else "I would rather not."
        kept += [SessionEntry(stage="write", step=name, attempt=n, answer=answer) for n in range(MAX_ANSWERS)]
    write_session(path, header, kept)
    return path


@pytest.fixture(scope="module")
def struck(tmp_path_factory):
    folder = tmp_path_factory.mktemp("struck")
    answers = session(folder / "bad.session.jsonl", results=RESULTS, conclusion=CONCLUSION, introduction="")
    command = [sys.executable, ROOT / "launch.py", "--idea", QUICK / "quick_momentum.json", "--runs", folder / "runs"]
    done = subprocess.run(
        [*command, "--model", f"replay:{answers}"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs").iterdir()
    return run, done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages(struck):
    text = "".join(page.extract_text() for page in PdfReader(struck[0] / "paper.pdf").pages)
    return " ".join(text.split())


def test_the_idea_ends_in_a_paper_that_says_what_was_refused(struck, pages):
    assert pages.count("[struck out]") == 8  # seven, and the box that explains them
    assert "audit.json says why" in pages
    assert "warning:" not in struck[1]


def test_what_was_refused_is_legible_as_it_was_typed(pages):
    plain = pages.replace(" ", "")
    for typed in ("Momentumimprovestheerrorby12\\%", "\\result{run_7}{mse}", "\\newcommand{\\x}{hidden}", "[U+03B1]"):
        assert typed in plain, typed
    assert "\\begin{verbatim}astyped\\end{verbatim}" in plain
    assert "This$\\frac{a}$doesnotparse." in plain
    assert "never answered in a form that can be used" in pages


def test_what_holds_is_set_as_ever(pages):
    assert "Of 5 attempts 2 were rejected. The error is 0." in pages
    assert "Every run." in pages


def test_an_outcome_whose_statement_the_section_leaves_out_is_told_in_full(pages):
    told = "H1 (the momentum run has a lower mean squared error than the baseline at lr=0.2): not supported"
    assert pages.count(told) == 1  # the conclusion; the abstract's own sentences tell it


def test_the_audit_lists_each_sentence_with_its_line_and_reason(struck, launch):
    run, screen = struck
    audit = json.loads((run / "audit.json").read_text())
    found = [finding for finding in audit["paper"]["findings"] if finding["code"] == "struck-out"]
    assert [finding["severity"] for finding in found] == ["warning"] * len(found)
    (typed,) = [f for f in found if f["quote"].startswith("Momentum improves")]
    assert typed["where"] == "latex/cited/results.tex:2"
    assert typed["quote"] in RESULTS
    assert any("no label `tab:nowhere`" in finding["message"] for finding in found)
    assert f"{len(found)} sentences struck out" in screen
    assert launch("verify", run).returncode == 0
