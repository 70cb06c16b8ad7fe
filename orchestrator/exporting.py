"""The paper as plain LaTeX, which a venue's style can take over: nothing of ours is needed to compile it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.finished import Finished
from orchestrator.manuscript import BIBLIOGRAPHY, texts_of
from orchestrator.paper.tex import render_plain, unlinked
from orchestrator.typesetting import LATEX_TEMPLATE, paper_now

ANONYMOUS = (
    "Plan, code and prose come from an automated system. Results are values that code took from the files of "
    "executed runs; its outcomes and limitations are generated from the same files."
)
STYLES = (".sty", ".cls")


def export_paper(finished: Finished, out: Path | None, style: Path | None, *, anonymous: bool) -> Path:
    """Write main.tex, sections/, figures/ and references.bib into `out`; BadInput where that holds other files."""
    workspace = finished.press.workspace
    folder = out or workspace.path("export")
    if folder.exists() and any(folder.iterdir()) and not (folder / "main.tex").is_file():
        raise BadInput(f"{folder}: is not empty, and holds no export; name another folder with --out")
    paper = paper_now(texts_of(finished.sections, workspace), finished.evidence, finished.press)
    paper = replace(paper, provenance=ANONYMOUS) if anonymous else paper
    name = _taken(style, folder) if style else ""
    document = render_plain(paper, finished.evidence, LATEX_TEMPLATE, style=name, anonymous=anonymous)
    _write(folder / "main.tex", document.encode())
    for part in paper.parts:
        _write(folder / f"sections/{part.name}.tex", f"{unlinked(part.text).strip()}\n".encode())
    _write(folder / "references.bib", workspace.path(BIBLIOGRAPHY).read_bytes())
    for figure in finished.evidence.figures:
        _write(folder / figure.pdf, workspace.path(figure.pdf).read_bytes())
    return folder


def _taken(style: Path, folder: Path) -> str:
    """Copy a venue's file beside the document and return its name."""
    if style.suffix not in STYLES or not style.is_file():
        raise BadInput(f"{style}: --style wants a file that ends in {' or '.join(STYLES)}")
    _write(folder / style.name, style.read_bytes())
    return style.name


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
