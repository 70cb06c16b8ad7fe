"""Everything that is checked of a section, in one place: as it is written, as it is set, and as it is verified."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.evidence.outcomes import omitted
from orchestrator.evidence.problems import Problem
from orchestrator.evidence.references import check
from orchestrator.evidence.wording import check_wording
from orchestrator.records import Evidence


def check_section(name: str, text: str, evidence: Evidence, citation_keys: Collection[str]) -> tuple[Problem, ...]:
    """Return what is wrong with section `name` in the order of its lines; what it leaves out comes last."""
    found = {*check(text, evidence, citation_keys), *check_wording(name, text, evidence)}
    return (
        *sorted(found, key=lambda problem: (problem.start, problem.line, problem.message)),
        *omitted(name, text, evidence),
    )
