"""An idea folder's paper as it stands: its sections with what was revised, and the account that its journal gives.

Everything here is read from the folder alone: neither a model nor the template is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal

from orchestrator.attempts import attempts
from orchestrator.errors import GroundworkError
from orchestrator.evidence.findings import details, hypothesis_verdicts, outcome_words
from orchestrator.evidence.references import statement, used
from orchestrator.journal import Journal
from orchestrator.paper.account import Account, Attempt, Change, changed
from orchestrator.paper.summary import summarise
from orchestrator.paper.tex import Outcome, Paper, Part
from orchestrator.records import Edit, Evidence, Plan, Record, Run, Scalar, Section
from orchestrator.workspace import Workspace

ORDER = {
    "introduction": "Introduction",
    "related_work": "Related work",
    "method": "Method",
    "experimental_setup": "Experimental setup",
    "results": "Results",
    "conclusion": "Conclusion",
}
BIBLIOGRAPHY = "latex/references.bib"
REVISIONS = ("adopt", "mend", "revise")


class Revision(Record):
    """A section after it was written and cited: a person's edit, LaTeX that was mended, or an answer to the review."""

    section: Section
    by: Literal["person", "code", "model"]
    what: tuple[str, ...] = ()


def standing(sections: Iterable[Section], journal: Journal) -> tuple[Section, ...]:
    """Return the sections as they stand after every revision that the journal holds."""
    latest = {section.name: section for section in sections}
    for revision in _revisions(journal):
        latest[revision.section.name] = revision.section
    return tuple(latest.values())


def texts_of(sections: Iterable[Section], workspace: Workspace) -> dict[str, str]:
    """Return the sections' LaTeX by name; GroundworkError where a file is not the one that was written."""
    for section in sections:
        if workspace.sha256(section.path) != section.sha256:
            changed_file = workspace.path(section.path)
            how = f"edit sections/{section.name}.tex and `launch.py adopt` it instead"
            raise GroundworkError(f"{changed_file}: changed since it was written; restore it, {how}")
    return {section.name: workspace.read(section.path) for section in sections}


def paper_of(
    bodies: Mapping[str, str], sources: Iterable[str], evidence: Evidence, account: Account, provenance: str
) -> Paper:
    """Return the paper of sections by name: `bodies` with references expanded, `sources` without."""
    return Paper(
        title=bodies["title"],
        provenance=provenance,
        abstract=bodies["abstract"],
        parts=tuple(Part(heading, bodies[name], name) for name, heading in ORDER.items()),
        hypotheses=tuple(
            Outcome(
                one.id,
                statement(one, evidence.metrics),
                outcome_words(evidence, one.id),
                details(verdict, evidence),
                one.frozen_after,
            )
            for one, verdict in hypothesis_verdicts(evidence)
        ),
        used=used(tuple(bodies.values()), evidence),
        summary=summarise(evidence, account.given_up),
        account=account,
        sources=tuple(sources),
    )


def account_of(workspace: Workspace, template: str, typed: tuple[str, ...] = ()) -> Account:
    """Return what the journal and run_0's job say of how the results came about."""
    journal = workspace.journal
    runs = attempts(journal)
    job = _job(workspace)
    edited = dict.fromkeys(revision.section.name for revision in _revisions(journal) if revision.by == "person")
    return Account(
        template=template,
        profile=job,
        attempts=tuple(_attempt(run) for run in runs),
        given_up=_given_up(journal, runs),
        wall_s=sum(run.process.wall_s for run in runs if run.process),
        cpu_s=sum(run.process.cpu_s for run in runs if run.process),
        changes=tuple(_changes(workspace, runs)),
        edited=tuple(edited),
        typed=typed,
    )


def _revisions(journal: Journal) -> list[Revision]:
    return [Revision.model_validate(event.data) for event in journal.events if event.kind in REVISIONS]


def _job(workspace: Workspace) -> dict[str, Scalar]:
    path = workspace.path("run_0/job.json")
    profile = json.loads(path.read_text(encoding="utf-8"))["profile"] if path.is_file() else {}
    return {name: value for name, value in profile.items() if isinstance(value, bool | int | float | str)}


def _attempt(run: Run) -> Attempt:
    name = run.step.planned.name if run.step.planned else "baseline"
    findings = tuple(f"{finding.code}: {finding.message}" for finding in (*run.findings, *run.withdrawn))
    return Attempt(run.step.label, name, run.accepted, findings)


def _given_up(journal: Journal, runs: list[Run]) -> tuple[str, ...]:
    """Planned runs that were tried or meant to be tried, and that no accepted run has the name of."""
    plans = [*journal.all("plan", Plan), *journal.all("record", Plan)]
    planned = dict.fromkeys(one.name for plan in plans for one in plan.runs)
    done = {run.step.planned.name for run in runs if run.step.planned and run.accepted}
    return tuple(name for name in planned if name not in done)


def _changes(workspace: Workspace, runs: list[Run]) -> Iterable[Change]:
    accepted = [(run.step, workspace.journal.find("edit", run.step.label, Edit)) for run in runs if run.accepted]
    texts = [(step, workspace.text_at(edit.commit, edit.path)) for step, edit in accepted if edit and edit.commit]
    baseline = next((text for step, text in texts if step.planned is None), "")
    for step, text in texts:
        if step.planned is not None:
            yield changed(step.run, step.planned.name, baseline, text)
