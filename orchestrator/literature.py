"""Papers that a user puts into a folder, as text. A PDF may come from anywhere: a confined process of its own reads it.

That process is this module: `python -m orchestrator.literature FILE.pdf` prints the text, pages parted by form feeds.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.outside import Command
from orchestrator.protocols import Executor
from orchestrator.records import Limits, Record

PACKAGE = Path(__file__).resolve().parent
MAX_PAPERS = 20
MAX_BYTES = 50_000_000
MAX_PAGES = 40
MAX_CHARS = 100_000
# A file with fewer letters holds pictures of pages.
MIN_CHARS = 200
LIMITS = Limits(timeout_s=60, memory_mb=1500, file_mb=4, processes=8)
PAGE = "\f"


class Paper(Record):
    """A PDF that was read: `text` is cut at MAX_CHARS. `refused` says why there is none."""

    file: str
    sha256: str = ""
    pages: int = 0
    text: str = ""
    refused: str = ""


def find_literature(named: Path | None, idea_file: Path) -> str:
    """Return the folder that the user named, or `IDEA.literature` beside the idea file; '' where there is neither.

    BadInput as of `papers_in`, before anything is begun.
    """
    folder = named or idea_file.with_suffix(".literature")
    if named is None and not folder.is_dir():
        return ""
    papers_in(folder)
    return str(folder.resolve())


def papers_in(folder: Path) -> tuple[Path, ...]:
    """Return the PDFs of a folder in the order of their names; BadInput where it is no folder, or has too many."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of literature; --literature names one that holds PDFs")
    found = tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() == ".pdf" and path.is_file()))
    if len(found) > MAX_PAPERS:
        raise BadInput(f"{folder}: {len(found)} PDFs; at most {MAX_PAPERS} are read, so choose the closest ones")
    return found


def read_paper(path: Path, scratch: Path, executor: Executor) -> Paper:
    """Return the text of a PDF, or why it can't be had; its logs lie in `scratch` for as long as this runs."""
    if path.stat().st_size > MAX_BYTES:
        return Paper(file=path.name, refused=f"larger than {MAX_BYTES // 1_000_000} MB")
    stdout, stderr = scratch / "stdout.log", scratch / "stderr.log"
    result = executor.run(_command(path.resolve(), scratch, stdout, stderr))
    if not result.ok:
        said = stderr.read_text(errors="replace").strip().splitlines()
        return Paper(
            file=path.name, refused=result.stopped or (said[-1][:200] if said else "it can't be read as a PDF")
        )
    text = stdout.read_text(encoding="utf-8", errors="replace")
    if sum(character.isalpha() for character in text) < MIN_CHARS:
        return Paper(file=path.name, refused="no text in it (pictures of pages?)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Paper(file=path.name, sha256=digest, pages=text.count(PAGE), text=text[:MAX_CHARS])


def _command(path: Path, scratch: Path, stdout: Path, stderr: Path) -> Command:
    return Command(
        argv=(sys.executable, "-P", "-m", "orchestrator.literature", str(path)),
        cwd=scratch,
        readable=(PACKAGE, path),
        env={"PYTHONPATH": str(PACKAGE.parent)},
        limits=LIMITS,
        stdout=stdout,
        stderr=stderr,
    )


def _pages(path: Path) -> Iterator[str]:
    """Yield the text of the first MAX_PAGES pages until MAX_CHARS are reached."""
    from pypdf import PdfReader

    total = 0
    for page in PdfReader(path).pages[:MAX_PAGES]:
        text = page.extract_text().replace(PAGE, " ")
        yield text
        total += len(text)
        if total >= MAX_CHARS:
            return


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    for page in _pages(Path(sys.argv[1])):
        sys.stdout.write(page + PAGE)
