"""Whether what stands together belongs together: settings with their run, results that compare, captions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.entries import UnknownReference, find, find_setting, points, words
from orchestrator.evidence.problems import Fault
from orchestrator.evidence.sentences import Sentence
from orchestrator.records import Evidence, Scalar

MATCHED = 0.03  # as the comparisons have it: L0 within 3 %
_NAMES_RUN = frozenset({"result", "measured", "change", "finding"})
_ASIDE = re.compile(
    r"\b(?:unlike|like|from|than|against|with|to|over|versus|beside|by|as in|and)\s+(?:the\s+)?$", re.IGNORECASE
)
_COUNTED = {"seeds": "seed", "runs": "run", "attempts": "attempt", "rejected": "run attempt"}
_ALL = re.compile(
    r"\b(?:all|every|each)\b(?:\s+\w+)?\s+(?:runs?|rows?|conditions?|experiments?)\b|\b(?:all|every) runs?\b",
    re.IGNORECASE,
)


def wrong_run(sentence: Sentence, evidence: Evidence) -> Iterator[Fault]:
    """Yield a setting that is not the one of the run that the sentence has just named.

    The run is the last one named before it, by a result, its number or its name, but not in passing ("unlike ...").
    """
    named = sorted([*_named_by_references(sentence), *_named_in_words(sentence, evidence)])
    for reference in sentence.references:
        before = [run for at, run in named if at < reference.start]
        run = reference.arguments[0].partition("@")[0]
        if reference.name != "setting" or not before or run in (before[-1], "") or run not in evidence.runs:
            continue
        name = reference.arguments[1]
        if _setting(evidence, reference.arguments[0], name) not in _values(evidence, before[-1], name):
            yield (
                reference.start,
                f"`{name}` of `{run}` in a sentence on `{before[-1]}`; name the run that it belongs to",
            )


def side_by_side(pieces: tuple[Sentence, ...], evidence: Evidence) -> Iterator[Fault]:
    """Yield a result beside one that it may not be compared with, in its sentence or bare in the one before it."""
    earlier: list[tuple[str, str]] = []
    for sentence in (piece for piece in pieces if piece.kind in ("text", "footnote")):
        here: list[tuple[str, str]] = []
        for reference in sentence.references:
            if reference.name != "result":
                continue
            point, metric = reference.arguments
            for other in (*here, *(() if _with_match(sentence, metric, evidence) else earlier)):
                reason = other[1] == metric and _incomparable(evidence, point, other[0], metric)
                if reason:
                    instead = "use \\change or \\finding, which say what can be said"
                    yield reference.start, f"`{point}` and `{other[0]}` side by side in {metric}: {reason}; {instead}"
            here.append((point, metric))
        earlier = [one for one in here if not _with_match(sentence, one[1], evidence)]


def captions(pieces: tuple[Sentence, ...], evidence: Evidence) -> Iterator[Fault]:
    """Yield a table's caption that speaks of runs or metrics which the table does not hold."""
    for table in pieces:
        shown = next((one for one in table.references if one.name == "resultstable"), None)
        if table.kind != "block" or shown is None:
            continue
        runs = {name.strip().partition("@")[0] for name in shown.arguments[0].split(",")}
        metrics = {name.strip() for name in shown.arguments[1].split(",")}
        for caption in pieces:
            if caption.kind == "caption" and table.start <= caption.start and caption.end <= table.end:
                yield from ((caption.start, message) for message in _untrue(caption.prose, runs, metrics, evidence))


def miscounted(sentence: Sentence) -> Iterator[Fault]:
    """Yield a count beside the name of something else: `\\count{seeds} runs`."""
    for index, _ in enumerate(sentence.prose):
        reference = sentence.reference_at(index)
        if reference is None or reference.name != "count":
            continue
        follows = re.match(r"[\s~-]*(?:\w+\s)?(seed|run|attempt)s?\b", sentence.prose[index + 1 :])
        if follows and follows[1] not in _COUNTED.get(reference.arguments[0], follows[1]):
            yield reference.start, f"\\count{{{reference.arguments[0]}}} does not count {follows[1]}s"


def _untrue(prose: str, runs: set[str], metrics: set[str], evidence: Evidence) -> Iterator[str]:
    absent = [run for run in evidence.runs if run not in runs]
    if absent and _ALL.search(prose):
        yield f"the caption speaks of all runs, and {', '.join(absent)} is not in the table"
    for run in absent:
        if re.search(_called(run, evidence.runs[run]), prose, re.IGNORECASE):
            yield f"the caption speaks of {run}, which is not in the table"
    for spec in evidence.metrics:
        names = {spec.name.replace("_", " "), spec.words, words(spec.name, evidence.metrics)}
        if spec.name not in metrics and any(
            re.search(rf"\b{re.escape(name)}\b", prose, re.IGNORECASE) for name in names
        ):
            yield f"the caption speaks of {spec.name}, which is not in the table"


def _incomparable(evidence: Evidence, point: str, other: str, metric: str) -> str:
    try:
        for name in evidence.equal_settings:
            if _setting(evidence, point, name) != _setting(evidence, other, name):
                return f"their `{name}` differs"
        match = next((spec.match for spec in evidence.metrics if spec.name == metric), None)
        if match and points(evidence, point) != points(evidence, other):
            one, two = find(evidence, point, match).value, find(evidence, other, match).value
            if abs(one - two) > MATCHED * max(abs(one), abs(two)):
                return f"their {words(match, evidence.metrics)} is not matched"
    except UnknownReference:
        return ""
    return ""


def _with_match(sentence: Sentence, metric: str, evidence: Evidence) -> bool:
    """True where the sentence also gives what the metric must be matched on, or nothing needs to be matched."""
    match = next((spec.match for spec in evidence.metrics if spec.name == metric), None)
    return match is None or any(one.name == "result" and one.arguments[1] == match for one in sentence.references)


def _named_by_references(sentence: Sentence) -> Iterator[tuple[int, str]]:
    for one in sentence.references:
        if one.name in _NAMES_RUN:
            yield one.start, one.arguments[0].partition("@")[0]


def _named_in_words(sentence: Sentence, evidence: Evidence) -> Iterator[tuple[int, str]]:
    for run, name in evidence.runs.items():
        for match in re.finditer(_called(run, name), sentence.prose, re.IGNORECASE):
            if not _ASIDE.search(sentence.prose[: match.start()]):
                yield sentence.offsets[match.start()], run


def _called(run: str, name: str) -> str:
    if name == "baseline":
        return rf"\b{run}\b|\b{run.replace('_', ' ')}\b|\bbaseline\b"
    spoken = re.escape(name).replace("_", "[-_ ]")
    return rf"\b{run}\b|\b{run.replace('_', ' ')}\b|\b{spoken}[- ]run\b|\brun {spoken}\b"


def _setting(evidence: Evidence, point: str, name: str) -> Scalar | None:
    try:
        return find_setting(evidence, point, name)
    except UnknownReference:
        return None


def _values(evidence: Evidence, run: str, name: str) -> list[Scalar | None]:
    return [recorded.get(name) for recorded in evidence.settings.get(run, {}).values()]
