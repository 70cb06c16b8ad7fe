"""Stage `write`: one section at a time, answered whole, with references in place of results."""

from __future__ import annotations

from orchestrator import notes, prompts
from orchestrator.evidence.references import check, describe
from orchestrator.evidence.wording import check_wording
from orchestrator.paper.bib import Library
from orchestrator.records import Evidence, Section
from orchestrator.study import AnswerRefused, Study, ask, block

# In the order of writing: what was done before what it means, the abstract last.
SECTIONS = (
    "method",
    "experimental_setup",
    "results",
    "introduction",
    "related_work",
    "conclusion",
    "abstract",
    "title",
)


def write_section(name: str, evidence: Evidence, study: Study) -> Section:
    """Return a section that passed its checks; the model gets it back, with reasons, until it does."""

    def make() -> Section:
        study.backends.screen.stage("write", name)
        library = Library.read(study.setting.folder / "references.bib")
        text = ask(
            study, "write", name, _prompt(name, evidence, library, study), lambda a: _parse(name, a, evidence, library)
        )
        path = f"latex/sections/{name}.tex"
        return Section(name=name, path=path, sha256=study.workspace.write(path, text))

    return study.workspace.journal.once("write", name, Section, make)


def _prompt(name: str, evidence: Evidence, library: Library, study: Study) -> str:
    return prompts.render(
        f"write/{name}",
        section=name,
        outline=_outline(study),
        hypotheses="\n".join(notes.hypothesis_lines(evidence.hypotheses, study.setting.template)),
        idea=study.idea.model_dump(),
        setting=(study.setting.folder / "prompt.md").read_text(),
        experiment=study.workspace.read("experiment.py"),
        evidence=describe(evidence),
        library=library.describe(),
    )


def _outline(study: Study) -> str:
    """The sections written so far, each by the first sentence of its paragraphs."""
    lines = []
    for section in study.workspace.journal.all("write", Section):
        paragraphs = [p.strip() for p in study.workspace.read(section.path).split("\n\n") if p.strip()]
        lines.append(f"{section.name}: " + " / ".join(p.split(". ")[0][:160] for p in paragraphs))
    return "\n".join(lines) or "nothing yet"


def _parse(name: str, answer: str, evidence: Evidence, library: Library) -> str:
    text = block(answer, "latex").strip() + "\n"
    problems = check(text, evidence, library.keys) or check_wording(name, text, evidence)
    if problems:
        raise AnswerRefused("\n".join(f"- line {p.line}: {p.quote!r}: {p.message}" for p in problems[:12]))
    return text
