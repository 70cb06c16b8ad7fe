"""Stage `write`: one section at a time, answered whole, with references in place of results."""

from __future__ import annotations

import difflib

from orchestrator import attempts, notes, prompts
from orchestrator.evidence.references import check, describe
from orchestrator.evidence.wording import check_wording
from orchestrator.paper.bib import Library
from orchestrator.records import Edit, Evidence, Section
from orchestrator.study import AnswerRefused, Study, ask, block, described

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
        setting=described(study),
        experiment=_changes(evidence, study),
        evidence=describe(evidence),
        library=library.describe(),
    )


def _changes(evidence: Evidence, study: Study) -> str:
    """The baseline's experiment.py, and what each run changed in it."""
    texts = {}
    for run in attempts.accepted(study.workspace.journal):
        edit = study.workspace.journal.find("edit", run.step.label, Edit)
        if edit is not None:
            texts[run.step.run] = study.workspace.text_at(edit.commit, edit.path)
    baseline = texts.pop("run_0", "")
    parts = [baseline]
    for name, text in texts.items():
        lines = difflib.unified_diff(baseline.splitlines(), text.splitlines(), "run_0", name, lineterm="", n=1)
        parts.append(f"{name} ({evidence.runs[name]}):\n" + "\n".join(lines))
    return "\n\n".join(parts)


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
