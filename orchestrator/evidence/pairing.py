"""Whether what stands together belongs together: settings with their run, results that compare, captions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.entries import UnknownReference, find, find_setting, points, words
from orchestrator.evidence.problems import Fault
from orchestrator.evidence.sentences import Sentence
from orchestrator.evidence.syntax import Reference
from orchestrator.records import Evidence, Scalar

MATCHED = 0.03  # as the comparisons have it: L0 within 3 %
_NAMES_RUN = frozenset({"result", "measured", "change", "finding"})
_ASIDE = re.compile(
    r"\b(?:unlike|like|from|than|against|with|to|over|versus|beside|by|as in|and)\s+(?:the\s+)?$", re.IGNORECASE
)
_COUNTED = {"seeds": "seed", "runs": "run", "attempts": "attempt", "rejected": "run attempt"}
_ALL = re.compile(r"\b(?:all|every)\b(?:\s+\w+)?\s+(?:runs?|rows?|conditions?|experiments?)\b", re.IGNORECASE)
_EVERY = re.compile(
    r"\b(?:all|every|each)(?: \w+){0,2} (?:runs?|models?|arms?|was|were|has|had|have|share)\b|^\s*(?:all|each) ",
    re.IGNORECASE,
)
_ARM = r"(?:run|model|autoencoder|arm|variant|condition|version)"


def wrong_run(sentence: Sentence, evidence: Evidence) -> Iterator[Fault]:
    """Yield a setting that is not the one of the run that it is said of.

    That is the run named right after it ("0.1 for run_2"), else the last one named before it, by a result, its number
    or its name, but not in passing ("unlike ..."); where none is named, one run must have all that is said together.
    """
    named = sorted([*_named_by_references(sentence), *_named_in_words(sentence, evidence)])
    settings = [one for one in sentence.references if one.name == "setting"]
    for reference in settings:
        point, name = reference.arguments
        own, value = point.partition("@")[0], _setting(evidence, point, name)
        if _of_all(sentence, reference, evidence) and _varies(evidence, name):
            yield reference.start, f"`{name}` is not the same in every run; name the run that it belongs to"
        before = _following(sentence, reference, evidence) or [run for at, run in named if at < reference.start][-1:]
        if before and own in evidence.runs and own not in before and value not in _values(evidence, before[-1], name):
            yield (
                reference.start,
                f"`{name}` of `{own}` in a sentence on `{before[-1]}`; name the run that it belongs to",
            )
    if not named and len({one.arguments[1] for one in settings}) == len(settings) > 1:
        yield from _together(settings, evidence)


def _together(settings: list[Reference], evidence: Evidence) -> Iterator[Fault]:
    stated = [(one.arguments[1], _setting(evidence, *one.arguments)) for one in settings]
    recorded = [point for points_of in evidence.settings.values() for point in points_of.values()]
    if not any(all(point.get(name) == value for name, value in stated) for point in recorded):
        names = " and ".join(f"`{name}`" for name, _ in stated)
        yield settings[0].start, f"no run has {names} as they stand here together; name the run of each"


def _following(sentence: Sentence, reference: Reference, evidence: Evidence) -> list[str]:
    """The run that is named right after a setting: "for run_2", "in the fixed run"."""
    after = [n for n, at in enumerate(sentence.offsets) if at >= reference.end]
    rest = sentence.prose[after[0] :] if after else ""
    for run, name in evidence.runs.items():
        if re.match(rf"\s*(?:for|in|of)\s+(?:the\s+)?(?:{_called(run, name)})", rest, re.IGNORECASE):
            return [run]
    return []


def _of_all(sentence: Sentence, reference: Reference, evidence: Evidence) -> bool:
    """True where a setting is said of all runs, and none is named."""
    if any(re.search(_called(run, name), sentence.prose, re.IGNORECASE) for run, name in evidence.runs.items()):
        return False
    before = "".join(c for c, at in zip(sentence.prose, sentence.offsets, strict=True) if at < reference.start)
    return bool(_EVERY.search(re.split("[;:]", before)[-1]))


def _varies(evidence: Evidence, name: str) -> bool:
    values = [value for run in evidence.runs for value in _values(evidence, run, name) if value is not None]
    return any(value != values[0] for value in values)


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
    """Yield a caption that speaks of runs or metrics which its table or figure does not hold."""
    for block in pieces:
        held = next((held for one in block.references if (held := _held(one, evidence))), None)
        if block.kind != "block" or held is None:
            continue
        for caption in pieces:
            if caption.kind == "caption" and block.start <= caption.start and caption.end <= block.end:
                yield from ((caption.start, message) for message in _untrue(caption.prose, *held, evidence))


def _held(reference: Reference, evidence: Evidence) -> tuple[set[str], set[str]] | None:
    """Return the runs and metrics of a table, or of a figure as it was read back; None for anything else."""
    if reference.name == "resultstable":
        runs = {name.strip().partition("@")[0] for name in reference.arguments[0].split(",")}
        return runs, {name.strip() for name in reference.arguments[1].split(",")}
    figures = {figure.name: figure for figure in evidence.figures if figure.metrics}
    if reference.name != "evidencefigure" or reference.arguments[0] not in figures:
        return None
    shown = figures[reference.arguments[0]]
    # What a metric is matched on is the axis below it.
    below = {spec.match for spec in evidence.metrics if spec.match and spec.name in shown.metrics}
    return set(shown.runs), {*shown.metrics, *below}


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
        yield f"the caption speaks of all runs, and {', '.join(absent)} is not in it"
    for run in absent:
        if re.search(_called(run, evidence.runs[run]), prose, re.IGNORECASE):
            yield f"the caption speaks of {run}, which is not in it"
    for spec in evidence.metrics:
        names = {spec.name.replace("_", " "), spec.words, words(spec.name, evidence.metrics)}
        if spec.name not in metrics and any(
            re.search(rf"\b{re.escape(name)}\b", prose, re.IGNORECASE) for name in names
        ):
            yield f"the caption speaks of {spec.name}, which is not in it"


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
    return rf"\b{run}\b|\b{run.replace('_', ' ')}\b|\b{spoken}[- ]{_ARM}\b|\brun {spoken}\b"


def _setting(evidence: Evidence, point: str, name: str) -> Scalar | None:
    try:
        return find_setting(evidence, point, name)
    except UnknownReference:
        return None


def _values(evidence: Evidence, run: str, name: str) -> list[Scalar | None]:
    return [recorded.get(name) for recorded in evidence.settings.get(run, {}).values()]
