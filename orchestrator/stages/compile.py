"""Stage `compile`: references are expanded from the evidence by our code, then LaTeX makes the PDF, confined."""

from __future__ import annotations

import shutil

from orchestrator import inputs
from orchestrator.evidence.findings import details, hypothesis_verdicts, outcome_words
from orchestrator.evidence.references import statement, used
from orchestrator.evidence.striking import set_sections, struck_findings
from orchestrator.paper.bib import Library
from orchestrator.paper.tex import Outcome, Paper, Part, complaints, render
from orchestrator.records import Evidence, Finding, Record, Section
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
    """The paper's PDF, or what installs the missing TeX; `warnings` are what a reader of the pages would see.

    `struck` are the sentences that are struck out, `sources` has the SHA-256 of what we wrote for TeX, by path.
    """

    pdf: str
    sha256: str
    missing: str
    warnings: tuple[str, ...]
    struck: tuple[Finding, ...] = ()
    sources: dict[str, str] = {}


def compile_paper(sections: tuple[Section, ...], evidence: Evidence, study: Study) -> Compiled:
    """Return the compiled paper; raises TypesettingFailed with file, line and message where TeX stops."""
    known = study.workspace.journal.find("compile", "", Compiled)
    if known is not None and known.pdf and study.workspace.path("paper.pdf").is_file():
        return known
    study.backends.screen.stage("compile")
    sources, struck = _write_document(sections, evidence, study)
    compiled = _typeset(study).model_copy(update={"sources": sources, "struck": struck})
    for warning in compiled.warnings:
        study.backends.screen.note(f"  warning: {warning}")
    study.workspace.journal.append("compile", "", compiled)
    return compiled


def _write_document(
    sections: tuple[Section, ...], evidence: Evidence, study: Study
) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Write the paper's files; return their hashes, and what is struck out in them."""
    texts = {section.name: study.workspace.read(section.path) for section in sections}
    keys = Library.read(study.workspace.path("latex/references.bib")).keys
    finished = set_sections(texts, evidence, keys)
    expanded = {name: section.latex for name, section in finished.items()}
    paper = Paper(
        title=expanded["title"],
        provenance=study.provenance,
        abstract=expanded["abstract"],
        parts=tuple(Part(heading, expanded[name]) for name, heading in ORDER.items()),
        hypotheses=_outcomes(evidence),
        used=used(tuple(expanded.values()), evidence),
        bibliography="references" if study.workspace.path("latex/references.bib").read_text().strip() else "",
    )
    sources = {
        "latex/paper.tex": study.workspace.write("latex/paper.tex", render(paper, evidence, LATEX_TEMPLATE)),
        "latex/references.bib": study.workspace.sha256("latex/references.bib"),
    }
    for figure in evidence.figures:
        path = f"latex/{figure.pdf}"
        sources[path] = study.workspace.write(path, study.workspace.path(figure.pdf).read_bytes())
    return sources, struck_findings(finished, {section.name: section.path for section in sections})


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
