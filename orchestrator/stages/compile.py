"""Stage `compile`: references are expanded from the evidence by our code, then LaTeX makes the PDF, confined."""

from __future__ import annotations

from orchestrator.manuscript import standing, texts_of
from orchestrator.records import Evidence, Section
from orchestrator.study import Study, ask
from orchestrator.typesetting import Compiled, Press, offer, print_paper
from orchestrator.workspace import Workspace


def compile_paper(sections: tuple[Section, ...], evidence: Evidence, study: Study) -> Compiled:
    """Return the compiled paper; raises TypesettingFailed with file, line and message where our frame is at fault."""
    known = study.workspace.journal.find("compile", "", Compiled)
    if known is not None and known.pdf and study.workspace.path("paper.pdf").is_file() and _printed(study.workspace):
        return known
    press = Press(
        workspace=study.workspace,
        typesetter=study.backends.typesetter,
        screen=study.backends.screen,
        provenance=study.provenance,
        template=study.setting.template.name,
        ask=lambda name, prompt, parse: ask(study, "compile", name, prompt, parse),
    )
    return compile_sections(sections, evidence, press)


def _printed(workspace: Workspace) -> bool:
    """True where nothing was revised after the review since the paper was last compiled."""
    kinds = [event.kind for event in workspace.journal.events if event.kind in ("compile", "revise")]
    return kinds[-1:] != ["revise"]


def compile_sections(sections: tuple[Section, ...], evidence: Evidence, press: Press) -> Compiled:
    """Compile the sections as they stand after every revision, and journal what came of it."""
    press.screen.stage("compile")
    journal = press.workspace.journal
    compiled = print_paper(texts_of(standing(sections, journal), press.workspace), evidence, press)
    for warning in compiled.warnings:
        press.screen.note(f"  warning: {warning}")
    if compiled != journal.find("compile", "", Compiled):
        journal.append("compile", "", compiled)
    offer(standing(sections, journal), press.workspace)
    return compiled
