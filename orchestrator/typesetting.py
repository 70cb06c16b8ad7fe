"""From sections to a PDF: what LaTeX can't set is mended by code, then by a model, and at last shown as it was typed.

A section is a list of pieces, each a paragraph or what must stay together. An error belongs to the piece in whose lines
TeX found it. Every remedy is used once a piece, and each is followed by another try, so that the loop ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator import inputs, prompts
from orchestrator.errors import ModelUnavailable, TypesettingFailed
from orchestrator.evidence.checks import check_section
from orchestrator.evidence.striking import Key, SetSection, set_pieces, told
from orchestrator.evidence.syntax import read
from orchestrator.manuscript import BIBLIOGRAPHY, Revision, account_of, paper_of
from orchestrator.paper.bib import Library
from orchestrator.paper.mending import mend
from orchestrator.paper.pieces import Piece, digest, lines_of, pieces_of, typed
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
    `typed` has the SHA-256 of each piece that is shown as it was typed, `sources` those of what we wrote for TeX.
    """

    pdf: str
    sha256: str
    missing: str
    warnings: tuple[str, ...]
    mended: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    sources: dict[str, str] = {}


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
        _mend_broken(proof, name)
    missing = press.typesetter.missing()
    pdf = None if missing else _settle(proof)
    if missing:
        _document(proof)
    _keep(proof, texts)
    compiled = Compiled(
        pdf="",
        sha256="",
        missing=missing,
        warnings=(),
        mended=tuple(dict.fromkeys(f"{name}: {what} ({by})" for name, by, what in proof.done)),
        typed=tuple(digest(piece) for several in proof.pieces.values() for piece in several if piece.typed),
        sources=_sources(evidence, press.workspace),
    )
    if pdf is None:
        return compiled
    shutil.copyfile(pdf, press.workspace.path("paper.pdf"))
    log = pdf.with_suffix(".log").read_text(errors="replace")
    return compiled.model_copy(
        update={
            "pdf": str(press.workspace.path("paper.pdf")),
            "sha256": press.workspace.sha256("paper.pdf"),
            "warnings": complaints(log),
        }
    )


def _sources(evidence: Evidence, workspace: Workspace) -> dict[str, str]:
    paths = [DOCUMENT, BIBLIOGRAPHY, *(f"latex/{figure.pdf}" for figure in evidence.figures)]
    return {path: workspace.sha256(path) for path in paths if workspace.path(path).is_file()}


def paper_now(texts: dict[str, str], evidence: Evidence, press: Press) -> Paper:
    """Return the paper as it was last printed."""
    return _paper(_proof(texts, evidence, press))


def _proof(texts: dict[str, str], evidence: Evidence, press: Press) -> Proof:
    """What was shown as typed the last time still is: no remedy helped."""
    last = press.workspace.journal.find("compile", "", Compiled)
    typed = last.typed if last else ()
    pieces = {
        name: [replace(piece, typed=digest(piece) in typed) for piece in pieces_of(text)]
        for name, text in texts.items()
    }
    return Proof(evidence, press, pieces)


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
    repaired = _repaired(piece)
    if repaired != piece:
        # The section's other pieces are mended with it: each would cost another run of LaTeX.
        proof.pieces[name] = [_repaired(one) for one in proof.pieces[name]]
        proof.done += [(name, "code", what) for what in mend(piece.source).done]
    elif proof.press.ask is None or name in proof.asked or not _asked(proof, name, index, failure):
        proof.pieces[name][index] = replace(piece, typed=True)
        proof.done.append((name, "code", f"shown as typed: {_plain(failure)}"))
    proof.press.screen.note(f"  mended: {name}: {proof.done[-1][2]}")


def _mend_broken(proof: Proof, name: str) -> None:
    """Let code mend what does not parse; what it can't mend is struck out, and its words still stand."""
    for n, piece in enumerate(proof.pieces[name]):
        if read(piece.source).broken and (repaired := _repaired(piece)) != piece:
            proof.pieces[name][n] = repaired
            proof.done += [(name, "code", what) for what in mend(piece.source).done]


def _repaired(piece: Piece) -> Piece:
    """Return the piece as code mends it, once, where that leaves something that parses."""
    text = mend(piece.source).text
    if piece.mended or piece.typed or text == piece.source or read(text).broken:
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
    problems = check_section(name, text, proof.evidence, keys)
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


def _document(proof: Proof) -> None:
    """Write the LaTeX document."""
    document = render(_paper(proof), proof.evidence, LATEX_TEMPLATE)
    proof.press.workspace.write(DOCUMENT, document)


def _paper(proof: Proof) -> Paper:
    workspace, pieces, done = proof.press.workspace, proof.pieces, _set(proof)
    bodies = {name: "\n\n".join(texts) for name, texts in _bodies(proof, done).items()}
    unset = tuple(name for name, several in pieces.items() if any(piece.typed for piece in several))
    sources = [piece.source for several in pieces.values() for piece in several if not piece.typed]
    account = replace(
        account_of(workspace, proof.press.template, unset), struck=sum(len(one.struck) for one in done.values())
    )
    paper = paper_of(bodies, sources, proof.evidence, account, proof.press.provenance)
    cites = any(r"\cite" in body for body in bodies.values())
    paper = replace(paper, told={name: _told(proof, done, name) for name in pieces})
    return replace(paper, bibliography=Path(BIBLIOGRAPHY).stem if cites else "")


def _told(proof: Proof, done: dict[Key, SetSection], name: str) -> set[str]:
    """Return the hypotheses that a section tells by itself, statement and outcome."""
    pairs = {pair for (section, _), one in done.items() if section == name for pair in told(name, one, proof.evidence)}
    return {one for kind, one in pairs if kind == "outcome" and ("statement", one) in pairs}


def _set(proof: Proof) -> dict[Key, SetSection]:
    """Set every piece that is not shown as typed; labels and pointers are those of all of them."""
    sources = {
        (name, n): piece.source for name, several in proof.pieces.items() for n, piece in enumerate(several)
        if not piece.typed
    }  # fmt: skip
    return set_pieces(sources, proof.evidence, bibliography(proof.press.workspace).keys)


def _bodies(proof: Proof, done: dict[Key, SetSection]) -> dict[str, list[str]]:
    """Return the LaTeX of every piece, by section."""
    return {
        name: [done[name, n].latex.strip() if (name, n) in done else typed(p.source) for n, p in enumerate(several)]
        for name, several in proof.pieces.items()
    }


def _place(proof: Proof, failure: TypesettingFailed) -> tuple[str, int] | None:
    """Return the section and the piece in whose lines TeX stopped; None where that is in the frame."""
    document = proof.press.workspace.read(DOCUMENT)
    for name, bodies in _bodies(proof, _set(proof)).items():
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
