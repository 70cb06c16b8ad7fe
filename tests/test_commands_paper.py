"""`launch.py compile`, `export` and `adopt` on a finished folder, as a user calls them."""

import re
import shutil
import subprocess

import pytest

from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.backends.sandbox import probe
from tests.conftest import missing

STYLE = r"""\ProvidesPackage{venue}
\RequirePackage[margin=35mm]{geometry}
\AtBeginDocument{\typeout{venue is loaded}}
"""


@pytest.fixture(scope="module")
def finished(quick_run, tmp_path_factory):
    """A copy of the finished folder, elsewhere: nothing of it may depend on where it was made."""
    if not (quick_run / "paper.pdf").exists():
        missing("no TeX here")
    folder = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(quick_run, folder, symlinks=True)
    return folder


def printed(folder, name="paper.pdf") -> str:
    done = subprocess.run(["pdftotext", folder / name, "-"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def test_compile_makes_the_same_bytes_from_the_folder_alone(launch, finished, quick_run):
    for name in ("paper.pdf", "latex/paper.tex", "latex/paper.pdf", "latex/paper.bbl"):
        (finished / name).unlink()
    done = launch("compile", finished)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"paper: {finished / 'paper.pdf'}"
    assert (finished / "paper.pdf").read_bytes() == (quick_run / "paper.pdf").read_bytes()


def test_compile_refuses_a_section_that_was_changed_behind_its_back(launch, quick_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(quick_run, folder, symlinks=True)
    with (folder / "latex/cited/results.tex").open("a") as file:
        file.write("It is better.")
    done = launch("compile", folder)
    assert done.returncode == 1
    assert "latex/cited/results.tex: changed since it was written" in done.stderr
    assert "sections/results.tex" in done.stderr


def test_compile_of_an_unwritten_paper_is_bad_input(launch, quick_run, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    lines = (quick_run / "journal.jsonl").read_text().splitlines(keepends=True)
    (folder / "journal.jsonl").write_text("".join(lines[:10]))
    done = launch("compile", folder)
    assert done.returncode == 2
    assert "not written yet" in done.stderr


@pytest.mark.parametrize("flags", [(), ("--anonymous",)])
def test_export_is_plain_latex_that_compiles_by_itself(launch, finished, tmp_path, flags):
    (tmp_path / "venue.sty").write_text(STYLE)
    out = tmp_path / "export"
    done = launch("export", finished, "--out", out, "--style", tmp_path / "venue.sty", *flags)
    assert done.returncode == 0, done.stderr
    texts = "\n".join(path.read_text() for path in [out / "main.tex", *sorted((out / "sections").glob("*.tex"))])
    for ours in (r"\hyperlink", r"\hypertarget", r"\result", r"\finding", r"\outcome{", "app:"):
        assert ours not in texts
    Latexmk(LocalExecutor(probe().level)).typeset(out, "main.tex")
    log = (out / "main.log").read_text(errors="replace")
    assert "venue is loaded" in log
    assert not re.search(r"undefined|multiply defined|Overfull \\hbox \((?!0|1|2|3|4)", log)
    shown = printed(out, "main.pdf")
    for words in (
        "No hypothesis of this study was confirmed",
        "Limitations",
        "±",
        "Dunnett",
        "How this paper was made",
    ):
        assert words in shown
    assert ("Groundwork" in texts, "quick_momentum.session" in texts) == (not flags, False)
    assert ("replayed from" in texts) == (not flags)


def test_export_does_not_overwrite_a_folder_of_other_files(launch, finished, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    done = launch("export", finished, "--out", tmp_path)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_export_wants_a_style_file(launch, finished, tmp_path):
    done = launch("export", finished, "--style", tmp_path / "venue.txt", "--out", tmp_path / "x")
    assert done.returncode == 2
    assert "venue.txt: --style wants a file that ends in .sty or .cls" in done.stderr


def test_adopt_takes_a_persons_edit_checked_journaled_and_told(launch, quick_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(quick_run, folder, symlinks=True)
    assert "no file in" in launch("adopt", folder).stdout
    section = folder / "sections/introduction.tex"
    sound = section.read_text()

    section.write_text(sound + "\nThe error is 0.02, which is better \\citep{nobody1999}.\n")
    refused = launch("adopt", folder)
    assert refused.returncode == 1
    assert "sections/introduction.tex:3: " in refused.stdout
    assert "no citation key `nobody1999`" in refused.stdout
    assert "a result is never typed" in refused.stdout
    assert '"kind":"adopt"' not in (folder / "journal.jsonl").read_text()

    section.write_text(sound + "\nA person adds that the error is \\result{run_1}{mse} \\citep{dunnett1955}.\n")
    adopted = launch("adopt", folder)
    assert adopted.returncode == 0, adopted.stderr + adopted.stdout
    assert "adopted: introduction" in adopted.stdout
    shown = printed(folder)
    assert "A person adds that the error is 0.0" in shown
    assert "A person edited: introduction." in shown
    assert '"by":"person"' in (folder / "journal.jsonl").read_text()
    assert (folder / "latex/adopted/introduction.1.tex").read_text() == section.read_text()
    before = (folder / "paper.pdf").read_bytes()
    assert launch("compile", folder).returncode == 0
    assert (folder / "paper.pdf").read_bytes() == before
