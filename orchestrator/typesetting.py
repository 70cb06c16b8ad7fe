"""From sections to a PDF: what LaTeX can't set is mended by code, then by a model, and at last shown as it was typed.

A section is a list of pieces, each a paragraph or what must stay together. An error belongs to the piece in whose lines
TeX found it. Every remedy is used once a piece, and each is followed by another try, so that the loop ends.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator import inputs, prompts
from orchestrator.errors import GroundworkError, ModelUnavailable, TypesettingFailed
from orchestrator.evidence.references import check, expand
from orchestrator.evidence.wording import check_wording
from orchestrator.manuscript import BIBLIOGRAPHY, Revision, account_of, paper_of
from orchestrator.paper.bib import Library
from orchestrator.paper.mending import mend, mend_labels
from orchestrator.paper.pieces import Piece, lines_of, pieces_of, typed
from orchestrator.paper.tex import Paper, complaints, render
from orchestrator.protocols import Screen, Typesetter
from orchestrator.records import Evidence, Record, Section
from orchestrator.study import AnswerRefused, block
from orchestrator.workspace import Workspace

LATEX_TEMPLATE = inputs.REPOSITORY / "latex_template"
DOCUMENT = "latex/paper.tex"
Mender = Callable[[str, str, Callable[[str], str]], str]


class Compiled(Record):
    """The paper's PDF, or what installs the missing TeX.

    `warnings` are what a reader of the pages would see, `mended` says of each section what was done to its LaTeX, and
    `typed` has the SHA-256 of each piece that is shown as it was typed.
    """

    pdf: str
    sha256: str
    missing: str
    warnings: tuple[str, ...]
    mended: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Press:
    """What a paper is made with. `ask` gets a section's name, a prompt, and what reads the answer; None: no model."""

    workspace: Workspace
    typesetter: Typesetter
    screen: Screen
    provenance: str
    template: str
    ask: Mender | None = None


@dataclass
class Proof:
    """A paper on its way to the press: its pieces by section, and what was done to them."""

    evidence: Evidence
    press: Press
    pieces: dict[str, list[Piece]]
    asked: set[str] = field(default_factory=set)
    done: list[tuple[str, str, str]] = field(default_factory=list)


def print_paper(texts: dict[str, str], evidence: Evidence, press: Press) -> Compiled:
    """Return the compiled paper; raises TypesettingFailed where the fault is not in a section."""
    proof = _proof(texts, evidence, press)
    for figure in evidence.figures:
        press.workspace.write(f"latex/{figure.pdf}", press.workspace.path(figure.pdf).read_bytes())
    for name in texts:
        while place := _faulty(proof, name):
            _mend(proof, name, *place)
    missing = press.typesetter.missing()
    if missing:
        _document(proof)
        return Compiled(pdf="", sha256="", missing=missing, warnings=())
    pdf = _settle(proof)
    _keep(proof, texts)
    shutil.copyfile(pdf, press.workspace.path("paper.pdf"))
    return Compiled(
        pdf=str(press.workspace.path("paper.pdf")),
        sha256=press.workspace.sha256("paper.pdf"),
        missing="",
        warnings=complaints(pdf.with_suffix(".log").read_text(errors="replace")),
        mended=tuple(dict.fromkeys(f"{name}: {what} ({by})" for name, by, what in proof.done)),
        typed=tuple(_sha256(piece) for several in proof.pieces.values() for piece in several if piece.typed),
    )


def paper_now(texts: dict[str, str], evidence: Evidence, press: Press) -> Paper:
    """Return the paper as it was last printed."""
    return _paper(_proof(texts, evidence, press))


def _proof(texts: dict[str, str], evidence: Evidence, press: Press) -> Proof:
    """What was shown as typed the last time still is: no remedy helped."""
    last = press.workspace.journal.find("compile", "", Compiled)
    typed = last.typed if last else ()
    pieces = {
        name: [replace(piece, typed=_sha256(piece) in typed) for piece in pieces_of(text)]
        for name, text in texts.items()
    }
    return Proof(evidence, press, pieces)


def _sha256(piece: Piece) -> str:
    return hashlib.sha256(piece.source.encode()).hexdigest()


def _settle(proof: Proof) -> Path:
    while True:
        try:
            return _try(proof)
        except TypesettingFailed as failure:
            place = _place(proof, failure)
            if place is None:
                raise
            _mend(proof, *place, str(failure))


def _try(proof: Proof) -> Path:
    _document(proof)
    return proof.press.typesetter.typeset(proof.press.workspace.path("latex"), Path(DOCUMENT).name)


def _mend(proof: Proof, name: str, index: int, failure: str) -> None:
    """Apply the next remedy to a piece: code, then a model for its section, then the text as it was typed."""
    piece = proof.pieces[name][index]
    repaired = _repaired(piece, proof.evidence)
    if repaired != piece:
        # The section's other pieces are mended with it: each would cost another run of LaTeX.
        proof.pieces[name] = [_repaired(one, proof.evidence) for one in proof.pieces[name]]
        proof.done += [(name, "code", what) for what in mend(piece.source).done]
    elif proof.press.ask is None or name in proof.asked or not _asked(proof, name, index, failure):
        proof.pieces[name][index] = replace(piece, typed=True)
        proof.done.append((name, "code", f"shown as typed: {_plain(failure)}"))
    proof.press.screen.note(f"  mended: {name}: {proof.done[-1][2]}")


def _repaired(piece: Piece, evidence: Evidence) -> Piece:
    """Return the piece as code mends it, once, where that leaves nothing to send back."""
    text = mend(piece.source).text
    if piece.mended or piece.typed or text == piece.source or _fault(text, evidence):
        return piece
    return replace(piece, source=text, mended=True)


def _asked(proof: Proof, name: str, index: int, failure: str) -> bool:
    """Let the model mend a section; False where none answers with a text that holds."""
    proof.asked.add(name)
    before = proof.pieces[name]
    source = "\n\n".join(piece.source for piece in before)
    prompt = prompts.render("compile", section=name, source=source, piece=before[index].source, failure=_plain(failure))
    try:
        assert proof.press.ask is not None  # noqa: S101
        proof.press.ask(name, prompt, lambda answer: _parse(answer, name, proof))
    except ModelUnavailable:
        proof.pieces[name] = before
        return False
    proof.done.append((name, "model", "written anew by the model"))
    return True


def _parse(answer: str, name: str, proof: Proof) -> str:
    """Take a section only where it passes the checks of a first answer, and where LaTeX sets it."""
    text = block(answer, "latex").strip() + "\n"
    keys = bibliography(proof.press.workspace).keys
    problems = check(text, proof.evidence, keys) or check_wording(name, text, proof.evidence)
    if problems:
        raise AnswerRefused("\n".join(f"- line {p.line}: {p.quote!r}: {p.message}" for p in problems[:12]))
    proof.pieces[name] = pieces_of(text)
    try:
        _try(proof)
    except TypesettingFailed as failure:
        place = _place(proof, failure)
        if place is not None and place[0] == name:
            raise AnswerRefused(f"LaTeX stops: {_plain(str(failure))}") from failure
    return text


def bibliography(workspace: Workspace) -> Library:
    """Return the paper's own bibliography."""
    path = workspace.path(BIBLIOGRAPHY)
    return Library.read(path) if path.is_file() and path.read_text(encoding="utf-8").strip() else Library({})


def _faulty(proof: Proof, name: str) -> tuple[int, str] | None:
    """Return the first piece that can't be expanded, and why."""
    found = ((n, _fault(piece.source, proof.evidence)) for n, piece in enumerate(proof.pieces[name]) if not piece.typed)
    return next(((n, fault) for n, fault in found if fault), None)


def _fault(text: str, evidence: Evidence) -> str:
    """Return why references can't be expanded in `text`, or ''."""
    try:
        expand(text, evidence)
    except GroundworkError as error:
        return str(error)
    return ""


def _document(proof: Proof) -> None:
    """Write the LaTeX document."""
    document = render(_paper(proof), proof.evidence, LATEX_TEMPLATE)
    proof.press.workspace.write(DOCUMENT, document)


def _paper(proof: Proof) -> Paper:
    workspace, pieces = proof.press.workspace, proof.pieces
    bodies = {name: "\n\n".join(texts) for name, texts in _bodies(proof).items()}
    unset = tuple(name for name, several in pieces.items() if any(piece.typed for piece in several))
    sources = [piece.source for several in pieces.values() for piece in several if not piece.typed]
    account = account_of(workspace, proof.press.template, unset)
    paper = paper_of(bodies, sources, proof.evidence, account, proof.press.provenance)
    cites = any(r"\cite" in body for body in bodies.values())
    return replace(paper, bibliography=Path(BIBLIOGRAPHY).stem if cites else "")


def _bodies(proof: Proof) -> dict[str, list[str]]:
    """Expand every piece, by section; a pointer to a label that is shown nowhere prints the label."""
    sources = {
        (name, n): piece.source for name, several in proof.pieces.items() for n, piece in enumerate(several)
        if not piece.typed
    }  # fmt: skip
    whole = mend_labels(sources)
    return {
        name: [_body(whole.get((name, n)), piece, proof.evidence) for n, piece in enumerate(several)]
        for name, several in proof.pieces.items()
    }


def _body(source: str | None, piece: Piece, evidence: Evidence) -> str:
    try:
        return typed(piece.source) if source is None else expand(source, evidence).strip()
    except GroundworkError:  # its turn to be mended has not come
        return typed(piece.source)


def _place(proof: Proof, failure: TypesettingFailed) -> tuple[str, int] | None:
    """Return the section and the piece in whose lines TeX stopped; None where that is in the frame."""
    document = proof.press.workspace.read(DOCUMENT)
    for name, bodies in _bodies(proof).items():
        for index, lines in enumerate(lines_of(document, bodies)):
            if failure.line in lines and not proof.pieces[name][index].typed:
                return name, index
    return None


def _plain(failure: str) -> str:
    """The message without the folder in front of it."""
    return failure.rpartition("/")[2]


def _keep(proof: Proof, texts: dict[str, str]) -> None:
    """Write down the sections that were mended, so that the same paper can be made again without a model."""
    workspace = proof.press.workspace
    for name in texts:
        text = "\n\n".join(piece.source for piece in proof.pieces[name])
        done = [(by, what) for one, by, what in proof.done if one == name]
        if not done or pieces_of(text) == pieces_of(texts[name]):
            continue
        path = f"latex/mended/{name}.tex"
        section = Section(name=name, path=path, sha256=workspace.write(path, text + "\n"))
        by = "model" if any(by == "model" for by, _ in done) else "code"
        what = tuple(dict.fromkeys(what for _, what in done))
        workspace.journal.append("mend", name, Revision(section=section, by=by, what=what))


def offer(sections: Iterable[Section], workspace: Workspace) -> None:
    """Lay the sections out as files that a person may edit and give back with `adopt`; an edited one is kept."""
    for section in sections:
        path = f"sections/{section.name}.tex"
        if not workspace.path(path).exists():
            workspace.write(path, workspace.read(section.path))
