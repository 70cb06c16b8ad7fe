"""A person's edits of sections: checked like a model's answer, journaled, and told on the paper's first page."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.evidence.checks import check_section
from orchestrator.evidence.references import check_labels, citation_keys
from orchestrator.finished import Finished
from orchestrator.leftovers import LeftoverRefused, read_leftover
from orchestrator.manuscript import BIBLIOGRAPHY, Revision, texts_of
from orchestrator.records import Section

FOLDER = "sections"
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Adoption:
    """The names of the sections that were taken, or what is wrong, a line each with file and line number."""

    adopted: tuple[str, ...]
    problems: tuple[str, ...] = ()


def adopt_sections(finished: Finished) -> Adoption:
    """Take every edited file of `sections/`, or none where one of them has a problem."""
    workspace, library = finished.press.workspace, finished.library()
    standing = texts_of(finished.sections, workspace)
    edited, problems = {}, []
    for name, before in standing.items():
        try:
            text = read_leftover(workspace.root, f"{FOLDER}/{name}.tex", MAX_BYTES).decode("utf-8")
        except (LeftoverRefused, UnicodeDecodeError) as error:
            problems.append(f"{FOLDER}/{name}.tex: cannot be read: {error}")
            continue
        if text.strip() != before.strip():
            edited[name] = text.strip() + "\n"
    for name, text in edited.items():
        found = check_section(name, text, finished.evidence, library.keys)
        problems += [f"{FOLDER}/{name}.tex:{p.line}: {p.quote!r}: {p.message}" for p in found]
    if not problems:
        problems += [f"{FOLDER}: line {p.line}: {p.message}" for p in check_labels(standing | edited)]
    if problems:
        return Adoption((), tuple(problems))
    for name, text in edited.items():
        _take(name, text, finished)
    if edited:
        keys = {key for text in (standing | edited).values() for key in citation_keys(text)}
        workspace.write(BIBLIOGRAPHY, library.select(keys))
    return Adoption(tuple(edited))


def _take(name: str, text: str, finished: Finished) -> None:
    """Keep the text under a name of its own, so that every version that was ever adopted can be found."""
    workspace = finished.press.workspace
    earlier = sum(event.kind == "adopt" and event.step == name for event in workspace.journal.events)
    path = f"latex/adopted/{name}.{earlier + 1}.tex"
    section = Section(name=name, path=path, sha256=workspace.write(path, text))
    workspace.journal.append("adopt", name, Revision(section=section, by="person"))
