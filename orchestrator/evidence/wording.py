"""What a section may say in its own words, where results are at stake. Pure.

A comparison is worded by a verdict (`\\finding`), so comparative words of the writer's own are sent back in title,
abstract, results, conclusion and captions; so is a negation around a finding, and an abstract or conclusion that leaves
a hypothesis out. A list of words finds plain cases and no clever ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence import floats
from orchestrator.evidence.references import Problem
from orchestrator.evidence.syntax import PLACEHOLDER, Passage, read
from orchestrator.records import Evidence

GUARDED = frozenset({"title", "abstract", "results", "conclusion"})
COMPLETE = frozenset({"abstract", "conclusion"})
_COMPARATIVE = re.compile(
    r"\b(better|worse|best|worst|superior|inferior|higher|lower|greater|larger|smaller|stronger|weaker|steadier|fewer"
    r"|improv\w+|outperform\w*|surpass\w*|exceed\w*|beat(?:s|en)?|degrad\w+|deteriorat\w+|hurts?|harm(?:s|ed)?"
    r"|reduc(?:e|es|ed|ing|tion)|decreas\w+|increas\w+|gain(?:s|ed)?|los(?:es|t)|preserv\w+|retain\w*|maintain\w*"
    r"|robust\w*|state[- ]of[- ]the[- ]art|half|halv\w+|twice|twofold|\w+-fold|doubl\w+|tripl\w+|negligibl\w+"
    r"|dramatic\w*|substantial\w*|significant\w*|marked(?:ly)?|remarkabl\w+|equivalen\w+|comparabl[ey]|on par|identical"
    r"|unchanged|no (?:cost|loss|difference|effect)|at no|free of cost|prov(?:es|ed|en)|demonstrat\w+|refut\w+)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"(\b(?:not|untrue|false|wrong|no longer|never|incorrect|deny|denies|doubt\w*|hardly|barely)\b[^.;:]{0,40})"
    + PLACEHOLDER,
    re.IGNORECASE,
)


def check_wording(section: str, text: str, evidence: Evidence) -> tuple[Problem, ...]:
    """Return what is wrong with the writer's own words in `section`, in the order of its lines."""
    passage = read(text)
    found = list(_captions(passage))
    if section in GUARDED:
        found += [*_comparatives(passage), *_negations(passage)]
    if section in COMPLETE:
        found += _omissions(passage, evidence)
    return tuple(Problem(passage.line(at), passage.sentence(at), message) for at, message in sorted(found))


def _comparatives(passage: Passage) -> Iterator[tuple[int, str]]:
    for match in _COMPARATIVE.finditer(passage.prose):
        message = f"`{match[0]}` compares; a comparison is a \\finding or a \\change, worded by the evidence"
        yield passage.offsets[match.start()], message


def _captions(passage: Passage) -> Iterator[tuple[int, str]]:
    for reference in passage.references:
        if reference.name in floats.NAMES:
            for _, message in _comparatives(read(reference.arguments[-1])):
                yield reference.start, f"in the caption, {message}"


def _negations(passage: Passage) -> Iterator[tuple[int, str]]:
    findings = {reference.start for reference in passage.references if reference.name == "finding"}
    for match in _NEGATION.finditer(passage.prose):
        at = passage.offsets[match.end() - 1]
        if at in findings:
            yield passage.offsets[match.start()], f"`{match[1].strip()}` turns the finding after it around"


def _omissions(passage: Passage, evidence: Evidence) -> Iterator[tuple[int, str]]:
    told = {reference.arguments[0] for reference in passage.references if reference.name == "outcome"}
    for hypothesis in evidence.hypotheses:
        if hypothesis.id not in told:
            yield 0, f"{hypothesis.id} is left out; every hypothesis stands here with its \\outcome{{{hypothesis.id}}}"
