"""A folder of PDFs from anywhere: read in a confined process, and a broken one is named and never a crash."""

import sys

import pytest

from orchestrator import literature
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.sandbox import probe
from orchestrator.errors import BadInput
from orchestrator.literature import find_literature, papers_in, read_paper
from orchestrator.records import Limits
from tests.papers import PARAGRAPH, write_pdf


@pytest.fixture(scope="module")
def executor():
    return LocalExecutor(probe().level)


def test_a_paper_is_read_page_by_page(tmp_path, executor):
    path = write_pdf(tmp_path / "a paper.PDF", [f"Page one. {PARAGRAPH}", PARAGRAPH])
    paper = read_paper(path, tmp_path, executor)
    assert (paper.file, paper.pages, paper.refused) == ("a paper.PDF", 2, "")
    assert paper.text.startswith("Page one. We study how sparse codes")
    assert len(paper.sha256) == 64


def test_pages_and_text_are_bounded(tmp_path, executor):
    path = write_pdf(tmp_path / "long.pdf", [PARAGRAPH * 20] * 60)
    paper = read_paper(path, tmp_path, executor)
    assert 0 < paper.pages <= literature.MAX_PAGES
    assert len(paper.text) == literature.MAX_CHARS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.4\nnothing follows", "."),
        (b"GIF89a" + b"\0" * 5000, "."),
        (None, "no text in it"),
    ],
)
def test_a_file_that_is_no_readable_pdf_is_refused_with_a_reason(tmp_path, executor, content, says):
    path = tmp_path / "odd.pdf"
    if content is None:
        write_pdf(path, [""])
    else:
        path.write_bytes(content)
    paper = read_paper(path, tmp_path, executor)
    assert (paper.text, paper.sha256) == ("", "")
    assert says in paper.refused


def test_a_pdf_that_takes_too_long_is_ended(tmp_path, executor, monkeypatch):
    monkeypatch.setattr(literature, "LIMITS", Limits(timeout_s=0.05, memory_mb=1500, file_mb=4, processes=8))
    assert read_paper(write_pdf(tmp_path / "a.pdf", [PARAGRAPH]), tmp_path, executor).refused == "timeout"


def test_a_huge_file_is_not_opened(tmp_path, executor):
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.truncate(literature.MAX_BYTES + 1)
    assert "larger than 50 MB" in read_paper(path, tmp_path, executor).refused


def test_a_folder_is_named_or_lies_beside_the_idea(tmp_path):
    idea = tmp_path / "idea.json"
    assert find_literature(None, idea) == ""
    beside = tmp_path / "idea.literature"
    beside.mkdir()
    write_pdf(beside / "b.pdf", [PARAGRAPH])
    write_pdf(beside / "a.pdf", [PARAGRAPH])
    (beside / "notes.txt").write_text("no paper")
    (beside / "folder.pdf").mkdir()
    assert find_literature(None, idea) == str(beside.resolve())
    assert [path.name for path in papers_in(beside)] == ["a.pdf", "b.pdf"]
    with pytest.raises(BadInput, match="--literature"):
        find_literature(tmp_path / "nowhere", idea)
    for number in range(literature.MAX_PAPERS):
        (beside / f"{number}.pdf").write_bytes(b"x")
    with pytest.raises(BadInput, match="at most 20"):
        find_literature(beside, idea)


def test_reading_needs_no_more_than_the_interpreter_and_this_package(tmp_path):
    command = literature._command(tmp_path / "a.pdf", tmp_path, tmp_path / "o", tmp_path / "e")
    assert command.argv[0] == sys.executable
    assert command.writable == ()
    assert set(command.readable) == {literature.PACKAGE, tmp_path / "a.pdf"}
