"""Stage `compile`: references are expanded from the evidence by our code, then LaTeX makes the PDF, confined."""

from __future__ import annotations

import shutil

from orchestrator import inputs
from orchestrator.errors import GroundworkError
from orchestrator.evidence.findings import details, hypothesis_verdicts, outcome_words
from orchestrator.evidence.references import check_labels, expand, statement, used
from orchestrator.paper.tex import Outcome, Paper, Part, complaints, render
from orchestrator.records import Evidence, Record, Section
from orchestrator.study import Study

ORDER = {
    "introduction": "Introduction",
    "related_work": "Related work",
    "method": "Method",
    "experimental_setup": "Experimental setup",
    "results": "Results",
    "conclusion": "Conclusion",
}
LATEX_TEMPLATE = inputs.REPOSITORY / "latex_template"


class Compiled(Record):
    """The paper's PDF, or what installs the missing TeX; `warnings` are what a reader of the pages would see."""

    pdf: str
    sha256: str
    missing: str
    warnings: tuple[str, ...]


def compile_paper(sections: tuple[Section, ...], evidence: Evidence, study: Study) -> Compiled:
    """Return the compiled paper; raises TypesettingFailed with file, line and message where TeX stops."""
    known = study.workspace.journal.find("compile", "", Compiled)
    if known is not None and known.pdf and study.workspace.path("paper.pdf").is_file():
        return known
    study.backends.screen.stage("compile")
    _write_document(sections, evidence, study)
    compiled = _typeset(study)
    for warning in compiled.warnings:
        study.backends.screen.note(f"  warning: {warning}")
    study.workspace.journal.append("compile", "", compiled)
    return compiled


def _write_document(sections: tuple[Section, ...], evidence: Evidence, study: Study) -> None:
    texts = {section.name: study.workspace.read(section.path) for section in sections}
    problems = check_labels(texts)
    if problems:
        first = problems[0]
        raise GroundworkError(f"{study.workspace.path('latex')}: {first.message} (line {first.line}: {first.quote!r})")
    expanded = {name: expand(text, evidence) for name, text in texts.items()}
    paper = Paper(
        title=expanded["title"],
        provenance=study.provenance,
        abstract=expanded["abstract"],
        parts=tuple(Part(heading, expanded[name]) for name, heading in ORDER.items()),
        hypotheses=_outcomes(evidence),
        used=used(tuple(expanded.values()), evidence),
        bibliography="references" if study.workspace.path("latex/references.bib").read_text().strip() else "",
    )
    study.workspace.write("latex/paper.tex", render(paper, evidence, LATEX_TEMPLATE))
    for figure in evidence.figures:
        study.workspace.write(f"latex/{figure.pdf}", study.workspace.path(figure.pdf).read_bytes())


def _outcomes(evidence: Evidence) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(h.id, statement(h, evidence.metrics), outcome_words(evidence, h.id), details(verdict, evidence))
        for h, verdict in hypothesis_verdicts(evidence)
    )


def _typeset(study: Study) -> Compiled:
    missing = study.backends.typesetter.missing()
    if missing:
        return Compiled(pdf="", sha256="", missing=missing, warnings=())
    pdf = study.backends.typesetter.typeset(study.workspace.path("latex"), "paper.tex")
    shutil.copyfile(pdf, study.workspace.path("paper.pdf"))
    log = pdf.with_suffix(".log").read_text(errors="replace")
    return Compiled(
        pdf=str(study.workspace.path("paper.pdf")),
        sha256=study.workspace.sha256("paper.pdf"),
        missing="",
        warnings=complaints(log),
    )
