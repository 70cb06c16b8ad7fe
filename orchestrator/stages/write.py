"""Stage `write`: one section at a time, answered whole, with references in place of results."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from orchestrator import attempts, notes, prompts
from orchestrator.citing import citable, readings_of
from orchestrator.errors import AnswersSpent
from orchestrator.evidence.checks import check_section
from orchestrator.evidence.problems import Problem
from orchestrator.evidence.references import describe
from orchestrator.manuscript import Revision
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
MOST_REASONS = 16


def write_section(name: str, evidence: Evidence, study: Study) -> Section:
    """Return a section. The model gets it back, with reasons, until it holds or was sent back often enough.

    In the second case the answer with the fewest problems is kept, and the paper shows their sentences struck out.
    """

    def make() -> Section:
        study.backends.screen.stage("write", name)
        library = citable(study.workspace)
        answers: list[_Answer] = []

        def parse(answer: str) -> str:
            text = block(answer, "latex").strip() + "\n"
            answers.append(_Answer(text, check_section(name, text, evidence, library.keys)))
            return answers[-1].accepted()

        try:
            text = ask(study, "write", name, _prompt(name, evidence, library, study), parse)
        except AnswersSpent:
            text = _least_wrong(name, answers, study)
        path = f"latex/sections/{name}.tex"
        return Section(name=name, path=path, sha256=study.workspace.write(path, text))

    return study.workspace.journal.once("write", name, Section, make)


def revise_section(section: Section, review: str, evidence: Evidence, study: Study) -> Section:
    """Return a section after its one revision; the text as it stands where no answer holds.

    The model gets the section with the review beside what it was written from, and the same checks apply.
    """

    def make() -> Revision:
        name, before = section.name, study.workspace.read(section.path)
        study.backends.screen.stage("write", f"{name}, after the review")
        library = citable(study.workspace)
        task = prompts.render("write/_revise", section=name, text=before, review=review)

        def parse(answer: str) -> str:
            text = block(answer, "latex").strip() + "\n"
            return _Answer(text, check_section(name, text, evidence, library.keys)).accepted()

        prompt = f"{_prompt(name, evidence, library, study)}\n{task}"
        try:
            text = ask(study, "write", f"{name}.revised", prompt, parse)
        except AnswersSpent:
            return Revision(section=section, by="model", what=("no revision passed the checks",))
        path = f"latex/revised/{name}.tex"
        revised = Section(name=name, path=path, sha256=study.workspace.write(path, text))
        return Revision(section=revised, by="model", what=("revised after the review",))

    return study.workspace.journal.once("revise", section.name, Revision, make).section


@dataclass(frozen=True)
class _Answer:
    """A section as it was answered, and what is wrong with it."""

    text: str
    problems: tuple[Problem, ...]

    def accepted(self) -> str:
        """Return the text, or send it back: each problem with its sentence, and how many more there are."""
        if not self.problems:
            return self.text
        lines = [f"- line {one.line}: {_quoted(one.quote)}{one.message}" for one in self.problems[:MOST_REASONS]]
        more = len(self.problems) - len(lines)
        raise AnswerRefused("\n".join([*lines, *([f"- and {more} more of these kinds"] if more > 0 else [])]))


def _quoted(sentence: str) -> str:
    return f"{sentence!r}: " if sentence else ""


def _least_wrong(name: str, answers: list[_Answer], study: Study) -> str:
    """Return the answer with the fewest problems, of equals the last; '' where none was in the form asked for."""
    if not answers:
        study.backends.screen.note(f"  {name} was never answered in the form asked for; the paper says so")
        return ""
    chosen = min(reversed(answers), key=lambda answer: len(answer.problems))
    struck = {(one.start, one.end) for one in chosen.problems if one.end}
    study.backends.screen.note(f"  {name} is kept with {len(struck)} sentences to be struck out")
    return chosen.text


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
        readings=readings_of(study.workspace).describe(),
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
