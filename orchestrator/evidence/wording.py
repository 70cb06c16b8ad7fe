"""What a section may say in its own words, where results are at stake. Pure.

A comparison is worded by a verdict (`\\finding`), so comparative words of the writer's own are sent back in title,
abstract, results, conclusion and captions; so is a negation around a finding. A cause, or a scope wider than the runs,
is sent back where it stands in one sentence with a result: by itself it is set as interpretation (`striking`), and no
list of words is needed to see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.outcomes import oversold, reworded
from orchestrator.evidence.pairing import captions, miscounted, side_by_side, wrong_run
from orchestrator.evidence.problems import Fault, Problem, located
from orchestrator.evidence.sentences import Sentence, sentences
from orchestrator.evidence.syntax import PLACEHOLDER, read
from orchestrator.evidence.typed import typed_beside_results
from orchestrator.records import Evidence

GUARDED = frozenset({"title", "abstract", "results", "conclusion"})
RESULTS = frozenset({"result", "measured", "change", "finding", "outcome", "detectable"})
_COMPARATIVE = re.compile(
    r"\b(better|worse|best|worst|superior\w*|inferior\w*|higher|lower|greater|larger|smaller|stronger|weaker|steadier"
    r"|smoother|fewer|faster|slower|cheaper|cleaner|closer|improv\w+|outperform\w*|outpac\w*|surpass\w*|exceed\w*"
    r"|beat(?:s|en|ing)?|edg(?:es|ed) out|degrad\w+|deteriorat\w+|hurts?|harm(?:s|ed|less)?|sacrific\w+|suffer(?:s|ed)?"
    r"|reduc(?:e|es|ed|ing|tions?)|decreas\w+|increas\w+|boost\w*|declin(?:es?|ed|ing)|dropp?(?:s|ed|ing)?|drops?"
    r"|shr[iau]nk\w*|lower(?:s|ed|ing)|rais(?:es|ed|ing)|rose|fell|lift(?:s|ed)|gain(?:s|ed|ing)?|los(?:es|t|ses)"
    r"|wins?|won|preserv\w+|retain\w*|maintain\w*|unaffected|intact|robust\w*|state[- ]of[- ]the[- ]art|half|halv\w+"
    r"|twice|twofold|\w+-fold|doubl\w+|tripl\w+|negligibl\w+|dramatic\w*|substantial\w*|significan\w+|marked(?:ly)?"
    r"|remarkabl\w+|considerabl[ey]|noticeabl[ey]|slight(?:ly)?|equivalen\w+|comparabl[ey]|similar(?:ly)?|on par"
    r"|identical\w*|indistinguishable|equally|interchangeabl[ey]|unchanged|as good|keeps? pace|the same as"
    r"|no (?:cost|loss|difference|effect|penalty|change|price)|does not differ|do not differ|differs? little"
    r"|without (?:any )?(?:cost|loss|losing|sacrific\w+|harm\w*|hurt\w*)|at no|for free|free of cost|prov(?:es|ed|en)"
    r"|demonstrat\w+|perform(?:s|ed)? the same|match(?:es|ed)? the (?:baseline|performance|quality))\b"
    r"|\b(?:more|less|fewer|(?!rather|other|whether|further|number|later|after)\w{2,}er)\b[^.;:,]{0,50}?\bthan\b"
    r"|\bas (?!well\b|long\b|soon\b|far\b|such\b|many\b)\w+ as\b",
    re.IGNORECASE,
)
_SUCCESS = re.compile(
    r"\b(success(?:es|ful|fully)?|succeed(?:s|ed)?|effective(?:ly|ness)?(?! (?:batch|number|rank|dimension|rate))"
    r"|promising|benefi(?:t|ts|ted|cial)|advantag\w+|helps?|helped|works(?= (?:well|as|in|for|on|on|\.)|\.|,|$)"
    r"|impressive\w*|striking\w*|compelling\w*|powerful|convincing\w*|breakthrough|consistent(?:ly)?|reliabl[ey]"
    r"|essential|crucial(?:ly)?|superb|excellent|strong(?:ly)?|clear(?:ly)? (?:win|evidence|effect|benefit))\b",
    re.IGNORECASE,
)
_DIRECTION = re.compile(
    r"\b(?:a )?(?:lower|higher|smaller|larger)(?: values?| scores?| numbers?)? (?:is|are|means?|counts as|points to)"
    r" (?:the )?(?:a )?(?:better|worse|steadier|smoother|desired|preferred|good|bad)\b",
    re.IGNORECASE,
)
_NEGATING = (
    r"not|untrue|false|wrong|no longer|never|incorrect|den(?:y|ies)|doubt\w*|hardly|barely|contrary|despite|fail(?:s|ed)?"
    r"|spurious\w*|mislead\w*|mistaken\w*|dispute\w*|illusion|artefact|artifact|nonsense|myth"
)
_NEGATED = re.compile(rf"(\b(?:{_NEGATING})\b[^.;:{PLACEHOLDER}]{{0,60}}){PLACEHOLDER}", re.IGNORECASE)
_AFTERWARDS = re.compile(
    rf"{PLACEHOLDER}([^.;{PLACEHOLDER}]{{0,30}}\b(?:untrue|false|wrong|not (?:so|true|the case|real|what)|incorrect"
    r"|mislead\w*|mistaken|spurious|artefact|artifact|illusion|chance alone|noise)\b)",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(because|since|due to|owing to|thanks to|caused? by|causes|as a (?:result|consequence) of|driven by"
    r"|attribut\w+|stems? from|explain(?:s|ed)? (?:why|by)|leads? to|led to|responsible|arises? from|comes? from)\b",
    re.IGNORECASE,
)
_INFERENCE = re.compile(
    r"\b(which (?:means|shows|implies|suggests|indicates|reveals|establishes|confirms|supports|tells)|suggest\w*|indicat\w*"
    r"|impl(?:y|ies|ying)|reveal\w*|showing|establish\w*|hence|therefore|thus|meaning that|so (?:that|the|we|it|our))\b",
    re.IGNORECASE,
)
_MODELS = r"(?:language models|LLMs|transformers|(?:deep |neural )?networks|foundation models|SAEs in general)"
_SCOPE = re.compile(
    rf"\b({_MODELS}|in general|generally|universal\w*|always|generali[sz]\w+|in practice|real[- ]world|broadly"
    r"|(?:across|for|to) (?:all|any|many|most|other|different|diverse) \w+|across (?:models|layers|tasks|scales|domains)"
    r"|(?:all|any|every|most) (?:\w+ )?(?:models?|layers?|tasks?|datasets?|architectures?|languages?|settings?))\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:untested|unknown|not (?:tested|studied|measured|known|shown)|no claim|remains? open|whether|ask|question)\b",
    re.IGNORECASE,
)
_DISCLAIMED = re.compile(
    r"\b(?:(?:do|does|did|can|could|would)\s+not|cannot|nor (?:do|does|did|can) (?:we|it|this|they)|make no|makes no"
    r"|is no|are no)\s+(?:be )?(?:claim\w*|establish|conclude|assert|imply|mean|know|say|tell|rank\w*|judge|decide"
    r"|evidence|proof|test|compare|call)\b[^.;:]{0,80}$",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|never|without|neither|nor|none|cannot)\b(?:\s+\w+){0,2}\s*$", re.IGNORECASE)


def check_wording(section: str, text: str, evidence: Evidence) -> tuple[Problem, ...]:
    """Return what is wrong with the writer's own words in `section`, in the order of its lines."""
    passage = read(text)
    pieces = sentences(passage)
    faults: list[Fault] = list(captions(pieces, evidence))
    for sentence in pieces:
        if section in GUARDED or sentence.kind == "caption":
            faults += [*_comparatives(sentence), *typed_beside_results(sentence, passage, evidence)]
        if section in GUARDED:
            faults += [*_negations(sentence), *_beyond(sentence, section), *oversold(sentence, evidence)]
            faults += [*reworded(sentence, evidence), *miscounted(sentence)]
        faults += wrong_run(sentence, evidence)
    if section in GUARDED:
        faults += side_by_side(pieces, evidence)
    return located(passage, faults, pieces)


def _comparatives(sentence: Sentence) -> Iterator[Fault]:
    prose = _DIRECTION.sub(lambda found: " " * len(found[0]), sentence.prose)
    where = "in the caption, " if sentence.kind == "caption" else ""
    asked = prose.rstrip().endswith("?")
    for match in _COMPARATIVE.finditer(prose):
        clause = re.split("[;:]", prose[: match.start()])[-1]
        if asked or re.search(r"\bwhether\b", clause) or _DISCLAIMED.search(clause) or _of_power(sentence, match.end()):
            continue
        message = f"{where}`{match[0]}` compares; a comparison is a \\finding or a \\change, worded by the evidence"
        yield sentence.offsets[match.start()], message
    for match in _SUCCESS.finditer(prose):
        clause = re.split("[;:]", prose[: match.start()])[-1]
        if not (asked or re.search(r"\bwhether\b", clause) or _DENIED.search(clause) or _DISCLAIMED.search(clause)):
            yield sentence.offsets[match.start()], f"{where}`{match[0]}` judges; say what was found by \\finding"


def _of_power(sentence: Sentence, end: int) -> bool:
    """True for "differences smaller than \\detectable{H1}", which is about the test and not about a result."""
    at = sentence.prose.find(PLACEHOLDER, end, end + 12)
    following = sentence.reference_at(at) if at >= 0 else None
    return following is not None and following.name == "detectable"


def _negations(sentence: Sentence) -> Iterator[Fault]:
    worded = {"finding", "outcome", "statement"}
    for match in _NEGATED.finditer(sentence.prose):
        reference = sentence.reference_at(match.end() - 1)
        if reference is not None and reference.name in worded:
            yield reference.start, f"`{match[1].strip()}` turns the \\{reference.name} after it around; say it plainly"
    for match in _AFTERWARDS.finditer(sentence.prose):
        reference = sentence.reference_at(match.start())
        if reference is not None and reference.name in worded:
            yield reference.start, f"`{match[1].strip()}` turns the \\{reference.name} before it around; say it plainly"


def _beyond(sentence: Sentence, section: str) -> Iterator[Fault]:
    """A cause, an inference or a wide scope that would look as if the reference beside it carried it."""
    told = [one.start for one in sentence.references if one.name in RESULTS]
    prose = sentence.prose
    apart = "give it a sentence of its own, which is set as your interpretation"
    for match in _CAUSE.finditer(prose) if told else ():
        yield sentence.offsets[match.start()], f"`{match[0]}`: no cause was measured; {apart}"
    for match in _INFERENCE.finditer(prose) if told else ():
        if sentence.offsets[match.start()] > told[0]:
            yield sentence.offsets[match.start()], f"`{match[0]}`: the reference does not carry what follows; {apart}"
    for match in _SCOPE.finditer(prose) if told or section == "title" else ():
        if not _OPEN.search(prose) and not prose.rstrip().endswith("?"):
            yield (
                sentence.offsets[match.start()],
                f"`{match[0]}` is wider than the runs; name the model, data and layer studied, or {apart}",
            )
