"""What a section may say in its own words, where results are at stake. Pure.

A comparison is worded by a verdict (`\\finding`), so comparative words of the writer's own are sent back in title,
abstract, results, conclusion and captions, and in other sections what tells who won; so is a negation around a finding.
A cause, or a scope wider than the runs, is sent back where it stands in one sentence with a result: by itself it is set
as interpretation (`striking`), and no list of words is needed to see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence import vocabulary as vocab
from orchestrator.evidence import wordlists as lists
from orchestrator.evidence.interpretation import RESULTS, interpreted
from orchestrator.evidence.outcomes import flawless, glossed, oversold, reworded
from orchestrator.evidence.pairing import captions, miscounted, side_by_side, wrong_run
from orchestrator.evidence.problems import Fault, Problem, located
from orchestrator.evidence.sentences import Sentence, sentences
from orchestrator.evidence.syntax import PLACEHOLDER, read
from orchestrator.evidence.typed import typed_beside_results
from orchestrator.records import Evidence

GUARDED = frozenset({"title", "abstract", "results", "conclusion"})
_TURNED = re.compile(rf"{lists.NEGATING.pattern}[^.;:{PLACEHOLDER}]{{0,60}}{PLACEHOLDER}", re.IGNORECASE)
_TAKEN_BACK = re.compile(rf"{PLACEHOLDER}[^.;{PLACEHOLDER}]{{0,30}}{lists.TAKEN_BACK.pattern}", re.IGNORECASE)
_ASIDE = re.compile(rf",\s*(?:(?:it )?(?:is|was|remains|stays|stands)\s+)?{PLACEHOLDER}$")
_DISPLAYED = re.compile(rf"\\begin\{{(?:{'|'.join(map(re.escape, sorted(vocab.MATH_ENVIRONMENTS)))})\}}|\\\[|\$\$")
_WORDED = frozenset({"finding", "outcome", "statement"})


def check_wording(section: str, text: str, evidence: Evidence) -> tuple[Problem, ...]:
    """Return what is wrong with the writer's own words in `section`, in the order of its lines."""
    passage = read(text)
    pieces = sentences(passage)
    faults: list[Fault] = list(captions(pieces, evidence))
    for sentence in pieces:
        if section in GUARDED or sentence.kind == "caption":
            faults += [*_comparatives(sentence), *typed_beside_results(sentence, passage, evidence)]
        if section in GUARDED:
            faults += [*_negations(sentence), *_beyond(sentence, section, evidence)]
        elif sentence.kind != "caption" and (section != "related_work" or lists.OURS.search(sentence.prose)):
            faults += _claimed(sentence)
        faults += [*oversold(sentence), *reworded(sentence, evidence), *glossed(sentence)]
        faults += [*miscounted(sentence), *flawless(sentence, evidence), *wrong_run(sentence, evidence)]
    if section in GUARDED:
        faults += side_by_side(pieces, evidence)
        advice = "a displayed formula looks like a result here; equations belong into the method"
        faults += [(match.start(), advice) for match in _DISPLAYED.finditer(text)]
    return located(passage, faults, pieces)


def _comparatives(sentence: Sentence) -> Iterator[Fault]:
    prose = lists.DIRECTION.sub(lambda found: " " * len(found[0]), sentence.prose)
    where = "in the caption, " if sentence.kind == "caption" else ""
    asked = prose.rstrip().endswith("?")
    for match in lists.COMPARATIVE.finditer(prose):
        clause = re.split("[;:]", prose[: match.start()])[-1]
        if asked or _open(clause) or _of_power(sentence, match.end()):
            continue
        if lists.SIZE.fullmatch(match[0]) and lists.ELSEWHERE.search(_part(prose, match)):
            continue
        message = f"{where}`{match[0]}` compares; a comparison is a \\finding or a \\change, worded by the evidence"
        yield sentence.offsets[match.start()], message
    for match in lists.JUDGING.finditer(prose):
        clause = re.split("[;:]", prose[: match.start()])[-1]
        if not (asked or _open(clause) or lists.DENIED.search(clause)):
            yield sentence.offsets[match.start()], f"{where}`{match[0]}` judges; say what was found by \\finding"


def _claimed(sentence: Sentence) -> Iterator[Fault]:
    """A result told where no result belongs; what others found is theirs, in related work."""
    for match in lists.CLAIMED.finditer(sentence.prose):
        if not (_open(sentence.prose[: match.start()]) or sentence.prose.rstrip().endswith("?")):
            message = f"`{match[0]}` tells what came out; the results section does, by \\finding and \\outcome"
            yield sentence.offsets[match.start()], message


def _part(prose: str, match: re.Match[str]) -> str:
    """What stands around a word between semicolons, colons and references."""
    before = re.split(f"[;:{PLACEHOLDER}]", prose[: match.start()])[-1]
    return before + re.split(f"[;:{PLACEHOLDER}]", prose[match.start() :])[0]


def _open(clause: str) -> bool:
    """True where what follows these words is a question or a disclaimer."""
    return bool(re.search(r"\bwhether\b", clause, re.IGNORECASE) or lists.DISCLAIMED.search(clause))


def _of_power(sentence: Sentence, end: int) -> bool:
    """True for "differences smaller than \\detectable{H1}", which is about the test and not about a result."""
    at = sentence.prose.find(PLACEHOLDER, end, end + 12)
    following = sentence.reference_at(at) if at >= 0 else None
    return following is not None and following.name == "detectable"


def _negations(sentence: Sentence) -> Iterator[Fault]:
    found = [(match.end() - 1, match) for match in _TURNED.finditer(sentence.prose)]
    found += [(match.start(), match) for match in _TAKEN_BACK.finditer(sentence.prose)]
    for at, match in found:
        reference = sentence.reference_at(at)
        # "H4, whose run never succeeded, is \\outcome{H4}" denies nothing of the outcome.
        aside = reference is not None and reference.name == "outcome" and _ASIDE.search(match[0])
        if reference is not None and reference.name in _WORDED and not aside:
            words = match[0].replace(PLACEHOLDER, "").strip()
            yield reference.start, f"`{words}` turns the \\{reference.name} beside it around; say it plainly"


def _beyond(sentence: Sentence, section: str, evidence: Evidence) -> Iterator[Fault]:
    """A cause, an inference or a wide scope that would look as if the reference beside it carried it.

    What follows the clause's last result, and is set as interpretation, does not look like that.
    """
    # Why a hypothesis could not be tested is no cause of a result.
    untested = {verdict.hypothesis for verdict in evidence.verdicts if verdict.outcome == "undecided"}
    results = [one for one in sentence.references if one.name in RESULTS - {"detectable"}]
    told = [one.start for one in results if not (one.name == "outcome" and one.arguments[0] in untested)]
    ends = [end for _, end in sentence.clauses()]
    spans = interpreted(section, (sentence,), evidence)
    apart = [(a, b) for a, b in spans if not any(a <= at < min(e for e in ends if e >= b) for at in told)]
    advice = "give it a sentence of its own, which is set as your interpretation"
    found: list[Fault] = []
    if told:
        found += _matches(sentence, lists.CAUSE, f"no cause was measured; {advice}")
        inferred = _matches(sentence, lists.INFERENCE, f"the reference does not carry what follows; {advice}")
        found += [fault for fault in inferred if fault[0] > told[0]]
    if (told or section == "title") and not (
        lists.OPEN.search(sentence.prose) or sentence.prose.rstrip().endswith("?")
    ):
        wide = f"this is wider than the runs; name the model, data and layer studied, or {advice}"
        found += _matches(sentence, lists.SCOPE, wide)
    yield from (fault for fault in found if not any(start <= fault[0] < end for start, end in apart))


def _matches(sentence: Sentence, listed: re.Pattern[str], message: str) -> Iterator[Fault]:
    for match in listed.finditer(sentence.prose):
        yield sentence.offsets[match.start()], f"`{match[0]}`: {message}"
