"""The PDF is made from expanded references, or the reason is named."""

import os
import re
import subprocess
import sys

import pytest
from pypdf import PdfReader

from orchestrator.paper.tex import complaints
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


def pages(run) -> list[str]:
    done = subprocess.run(["pdftotext", "-layout", run / "paper.pdf", "-"], capture_output=True, text=True, check=True)
    return done.stdout.split("\f")[:-1]


def test_the_log_has_no_line_too_long_no_undefined_reference_and_no_label_twice(quick_run):
    log = (quick_run / "latex/paper.log").read_text(errors="replace")
    assert complaints(log) == ()
    assert "undefined" not in log.replace("undefined on input line 0", "")
    assert "multiply" not in log


def test_no_page_is_empty_and_every_float_stands_near_its_text(quick_run):
    texts = pages(quick_run)
    assert all(len(text.split()) > 60 for text in texts[:-1])
    assert len(texts[-1].split()) > 15
    told, table = (next(n for n, text in enumerate(texts) if words in text) for words in ("Table 1 shows", "Table 1."))
    assert table - told <= 1


def test_its_fonts_are_outlines_and_embedded(quick_run):
    listed = subprocess.run(["pdffonts", quick_run / "paper.pdf"], capture_output=True, text=True, check=True).stdout
    fonts = listed.splitlines()[2:]
    assert len(fonts) > 5
    assert not [line for line in fonts if "Type 3" in line or not re.search(r"\byes +(yes|no) +(yes|no)\b", line)]


def test_what_is_generated_stands_in_the_paper(quick_run):
    text = " ".join(" ".join(pages(quick_run)).split())
    for words in (
        "(No hypothesis was confirmed)",
        "Limitations",
        "With 80 % power, the tests find differences of at least H1:",
        "5 attempts at runs were made, 2 of them rejected: momentum (run_1.1), large_step (run_2.1)",
        "No planned run was given up",
        "baseline in 3 conditions, which differ in lr",
        "of wall time and",
        "UnboundLocalError",
        "Changes to the code",
    ):
        assert words in text, words
    told = "H1, that the momentum run has a lower mean squared error than the baseline at lr=0.2, is not supported"
    assert text.count(told) == 2  # abstract and conclusion, in the writer's sentences
    assert "Outcomes:" not in text  # which is what is generated where a writer's sentence doesn't tell
    assert "+CONDITIONS = {" in text.replace("+ CONDITIONS", "+CONDITIONS")


def test_the_sections_lie_ready_for_a_person(quick_run):
    for name in ("title", "abstract", "results"):
        assert (quick_run / f"sections/{name}.tex").read_text() == (quick_run / f"latex/cited/{name}.tex").read_text()


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
