"""Hypotheses in a section: in their frozen words, at no more than their outcome, and none left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.entries import words
from orchestrator.evidence.problems import Fault, Problem, missing
from orchestrator.evidence.sentences import Sentence
from orchestrator.evidence.syntax import read
from orchestrator.records import Evidence

COMPLETE = frozenset({"abstract", "conclusion"})
_VERDICT = (
    r"(?:holds?(?: up| true)?|held(?: up)?|(?:is|are|was|were) (?:true|right|correct|false|wrong|borne out)|confirm\w*"
    r"|support(?:s|ed|ing)?|validat\w*|vindicat\w*|corroborat\w*|verif(?:y|ies|ied)|refut\w*|falsif\w*|disprov\w*"
    r"|reject(?:s|ed)?|contradict\w*|fail(?:s|ed)?|accept(?:ed|s)|undecided|inconclusive|settle[sd]?)"
)
_SUBJECT = r"(?:H[1-9]\d?|hypothes[ei]s|predictions?|(?:the|our|this) (?:idea|claims?|expectation|intuition|theory))"
_SOLD = re.compile(
    rf"\b{_SUBJECT}\b(?! that (?:is|was)\b)[^.;:\uFFFC]{{0,60}}?\b({_VERDICT})\b"
    rf"|\b({_VERDICT})\b[^.;:\uFFFC]{{0,40}}?\b{_SUBJECT}\b"
    r"|\b(?:results?|findings?|experiments?|evidence|data|study|runs?)\b[^.;:\uFFFC]{0,20}?"
    r"\b(confirms?|supports?|validates?|vindicates?|corroborates?|verif(?:y|ies)|refutes?|establish(?:es)?|proves?)\b",
    re.IGNORECASE,
)
_APPROVES = re.compile(
    r"\b(?:settles|resolves|answers|validates?|vindicates?|confirms|supports|proves|establishes|rules? out"
    r"|in (?:effect|essence|spirit))\b"
)
_FLAWLESS = re.compile(
    r"\b(?:all|every|each)\b[^.;:]{0,40}\b(?:runs?|attempts?|experiments?|trainings?|configurations?)\b[^.;:]{0,80}"
    r"\b(?:succe\w+|complet\w+|accepted|smoothly|without (?:error|fail\w+|problem\w*|incident)"
    r"|first (?:try|attempt|go))"
    r"|\bno\b[^.;:]{0,20}\b(?:runs?|attempts?|experiments?)\b[^.;:]{0,20}\b(?:fail\w+|crash\w+|reject\w+|discarded)"
    r"|\b(?:nothing|none)\b[^.;:]{0,30}\b(?:failed|crashed|rejected|discarded|went wrong)"
    r"|\b(?:discarded|rejected|dropped|excluded) (?:none|nothing|no (?:runs?|attempts?|experiments?))\b",
    re.IGNORECASE,
)
# "that it helps (H1)", "H1 predicted that it helps"; \x00 is an outcome, \x01 a statement.
_GLOSSED = re.compile(
    r"\bthat (?!\x01)[^.;:\x00\x01]{8,100}\((H[1-9]\d?)\)"
    r"|\b(H[1-9]\d?),? (?:predict(?:s|ed)|says|said|states|stated|claims|claimed|asserts|holds|held|asks|asked)"
    r" (?:that|whether|if) (?!\x01)",
)
_MENTION = re.compile(r"\b(?:H[1-9]\d?|hypothes[ei]s|prediction|question)\b", re.IGNORECASE)
_ASSIGNED = re.compile(r"\s*(?:for|on|to|of|is the \w+ (?:for|on|of))\b.*?\b(?:that|whether|claim|idea|conjecture).*")
_FROM_HERE = re.compile(r"\b(?:that|whether|namely|i\.e\.|claim|idea|prediction|hypothesis|according to which)\b")
_PLAIN = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at about be been being beside by come comes concerning do final first fourth for frozen h
        here in is it its itself last main matched of on one only or other our out outcome overall own
        primary read reads regarding remain remains respectively run s second secondary so stands states
        stay stays that the then these third this thus to too turn turned turns under was we were which with
        baseline hypothesis hypotheses prediction also again whose never succeeded planned test tests tested
        says say predicted predicts""",
    )
)


def oversold(sentence: Sentence) -> Iterator[Fault]:
    """Yield an outcome in words of the writer's own, and what makes more of one than it is."""
    prose = sentence.prose
    for match in _SOLD.finditer(prose):
        said = match[1] or match[2] or match[3]
        asked = re.search(r"\b(?:whether|could|would|what|how|if)\b", prose[: match.end()], re.IGNORECASE)
        of_attempts = re.search(rf"(?:\b(?:attempts?|edits?|runs?)|\uFFFC) (?:was|were) {re.escape(said)}", prose)
        if not asked and not of_attempts:
            yield sentence.offsets[match.start()], f"`{said}` is an outcome in your words; it is \\outcome{{H1}}"
    if any(one.name == "outcome" for one in sentence.references):
        for match in _APPROVES.finditer(prose):
            message = f"`{match[0]}` makes more of an outcome than it is; let \\outcome stand alone"
            yield sentence.offsets[match.start()], message


def flawless(sentence: Sentence, evidence: Evidence) -> Iterator[Fault]:
    """Yield a claim that every attempt went well, where some did not."""
    match = _FLAWLESS.search(sentence.prose)
    if match and (evidence.counts.get("rejected", 0) or _unmade(evidence)):
        message = f"`{match[0]}`: attempts were rejected; say how many by \\count{{rejected}}"
        yield sentence.offsets[match.start()], message


def glossed(sentence: Sentence) -> Iterator[Fault]:
    """Yield a hypothesis, by its name, in words that are not its statement."""
    for match in _GLOSSED.finditer(_marked(sentence)):
        name = match[1] or match[2]
        yield (
            sentence.offsets[match.start()],
            f"{name} in other words; it was frozen as `\\statement{{{name}}}`, say that or its name alone",
        )


def reworded(sentence: Sentence, evidence: Evidence) -> Iterator[Fault]:
    """Yield a hypothesis in other words beside its outcome: between its name and the outcome, or after it."""
    spoken = _marked(sentence)
    for at, reference in ((i, one) for i, one in _outcomes(sentence)):
        before = re.split(r"[;:.]", spoken[:at])[-1]
        # Nothing between the last outcome and this one is told by this one's neighbours before that.
        before = before.rpartition("\0")[2]
        mentions = list(_MENTION.finditer(before))
        between = before[mentions[-1].start() :] if mentions else ""
        chain = before[mentions[0].end() :] if mentions else ""
        glossed_before = _FROM_HERE.search(chain) and "\1" not in chain
        strange = [word for word in re.findall(r"[A-Za-z]+", between) if not _plain(word, evidence)]
        after = _ASSIGNED.match(re.split(r"[;:.\0]", spoken[at + 1 :])[0])
        if strange or glossed_before or (after and "\1" not in after[0]):
            name = reference
            yield (
                sentence.offsets[at],
                f"{name} in other words beside its outcome; write `{name} is \\outcome{{{name}}}` or "
                f"`{name}, that \\statement{{{name}}}, is \\outcome{{{name}}}`",
            )


def omitted(section: str, text: str, evidence: Evidence) -> tuple[Problem, ...]:
    """Return what a section leaves out: outcomes in abstract and conclusion, runs and failures in the results."""
    references = read(text).references
    found = []
    if section in COMPLETE:
        told = {one.arguments[0] for one in references if one.name == "outcome"}
        found += [
            f"{one.id} is left out; every hypothesis stands here with its \\outcome{{{one.id}}}"
            for one in evidence.hypotheses
            if one.id not in told
        ]
    if section == "results":
        shown = {name for one in references for name in re.findall(r"run_\d+", " ".join(one.arguments[:2]))}
        found += [
            f"{run} ({name}) is left out; a \\resultstable shows every run"
            for run, name in evidence.runs.items()
            if run not in shown
        ]
        counted = {one.arguments[0] for one in references if one.name == "count"}
        if evidence.counts.get("rejected") and not counted & {"rejected"}:
            found.append("the attempts that failed are left out; say `\\count{rejected} of \\count{attempts}`")
    return missing(found)


def _outcomes(sentence: Sentence) -> Iterator[tuple[int, str]]:
    for index, position in enumerate(sentence.offsets):
        for one in sentence.references:
            if one.start == position and one.name == "outcome":
                yield index, one.arguments[0]


def _marked(sentence: Sentence) -> str:
    """The sentence's prose with `\\0` for an outcome and `\\1` for a statement."""
    marks = {
        one.start: "\0" if one.name == "outcome" else "\1"
        for one in sentence.references
        if one.name in ("outcome", "statement")
    }
    return "".join(marks.get(at, char) for at, char in zip(sentence.offsets, sentence.prose, strict=True))


def _plain(word: str, evidence: Evidence) -> bool:
    names = " ".join(
        [*evidence.runs.values(), *(f"{m.name} {m.words} {words(m.name, evidence.metrics)}" for m in evidence.metrics)]
    )
    known = set(re.findall(r"[a-z]+", names.lower().replace("_", " ")))
    return word.lower() in _PLAIN | known or bool(re.fullmatch(r"H\d*", word))


def _unmade(evidence: Evidence) -> bool:
    made = set(evidence.runs.values())
    return any(one.arm not in made for one in evidence.hypotheses)
