"""The PDF is made from expanded references, or the reason is named."""

import os
import subprocess
import sys

import pytest
from pypdf import PdfReader

from tests.conftest import ROOT


def test_the_paper_prints_values_and_its_provenance(quick_run):
    text = "".join(page.extract_text() for page in PdfReader(quick_run / "paper.pdf").pages)
    assert "Scripted answers" in text
    assert "Outcome: not supported" in text
    assert "95 % CI" in text
    assert "±" in text
    assert "result{" not in text


def test_no_line_is_overfull_and_no_reference_undefined(quick_run):
    assert "warning:" not in (quick_run / "screen.txt").read_text()


def test_without_tex_everything_but_the_pdf_is_there_and_the_command_is_named(quick_run, tmp_path):
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(quick_run), str(folder)], check=True)
    journal = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    (folder / "journal.jsonl").write_text("".join(journal[:-1]))
    (folder / "paper.pdf").unlink()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bwrap", "git", "prlimit"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), "resume", str(folder)],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PATH": str(tools)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no PDF: LaTeX is not installed (apt-get install" in done.stdout
    assert (folder / "latex/paper.tex").is_file()
    assert not (folder / "paper.pdf").exists()


@pytest.mark.parametrize(
    "name", ["paper.pdf", "notes.txt", "evidence.json", "journal.jsonl", "sandbox.json", "latex/paper.tex"]
)
def test_a_finished_folder_holds_it(quick_run, name):
    assert (quick_run / name).stat().st_size > 0
