"""An idea in which every attempt fails gives a whole paper, whose title and abstract say so."""

import subprocess

import pytest

from orchestrator.models.session import read_session, write_session
from tests.conftest import QUICK, missing

IDEA = QUICK / "quick_momentum.json"
PROSE = {
    "introduction": "We look at momentum as a remedy for slow descent.",
    "method": "The velocity is $v_{t+1} = 0.9\\, v_t + g_t$.",
    "experimental_setup": "The baseline was trained for \\setting{run_0}{steps} steps.",
    "results": (
        "Table~\\ref{tab:all} and Figure~\\ref{fig:mse} show the baseline, the only run that stands. Of "
        "\\count{attempts} attempts \\count{rejected} were rejected.\n\n"
        "\\resultstable{run_0}{mse}{tab:all}{The baseline.}\n\n\\evidencefigure{mse}{fig:mse}{The baseline.}"
    ),
    "conclusion": "H1 is \\outcome{H1} and H2 is \\outcome{H2}. Nothing was learnt of momentum.",
    "abstract": "We asked of momentum in \\count{seeds} seeds. H1 is \\outcome{H1} and H2 is \\outcome{H2}.",
    "title": "Does Momentum Help Polynomial Regression?",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Run the quick idea with a session in which no edit changes anything."""
    folder = tmp_path_factory.mktemp("failed")
    header, entries = read_session(QUICK / "quick_momentum.session.jsonl")
    nothing = next(e for e in entries if (e.stage, e.step) == ("edit", "run_2.1"))
    stages, steps = ("plan", "plot", "cite", "review"), ("run_0.1", "related_work")
    kept = [e for e in entries if e.stage in stages or e.step in steps]
    edits = [nothing.model_copy(update={"step": f"run_1.{n}"}) for n in range(1, 5)]
    prose = [
        nothing.model_copy(update={"stage": "write", "step": name, "answer": f"```latex\n{text}\n```"})
        for name, text in PROSE.items()
    ]
    write_session(folder / "session.jsonl", header, [*kept, *edits, *prose])
    return folder


@pytest.fixture(scope="module")
def paper(failed):
    import sys

    from tests.conftest import ROOT

    command = [sys.executable, ROOT / "launch.py", "--idea", IDEA, "--model", f"replay:{failed / 'session.jsonl'}"]
    done = subprocess.run(
        [*command, "--runs", failed / "runs"], capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr
    (folder,) = (failed / "runs").iterdir()
    if not (folder / "paper.pdf").exists():
        missing("no TeX here")
    text = subprocess.run(["pdftotext", folder / "paper.pdf", "-"], capture_output=True, text=True, check=True).stdout
    return " ".join(text.split())


def test_title_abstract_and_conclusion_say_that_there_is_no_result(paper):
    assert "(No result: no run besides the baseline succeeded)" in paper
    assert paper.count("This study has no result: no run besides the baseline succeeded") == 2
    assert "given up: momentum, large step" in paper
    assert paper.count("undecided") >= 6


def test_limitations_and_appendix_tell_every_attempt(paper):
    assert "5 attempts at runs were made, 4 of them rejected" in paper
    assert "Given up, so that the paper says nothing of them: momentum, large_step" in paper
    assert paper.count("no-edit") >= 4
    assert "Changes to the code" not in paper
