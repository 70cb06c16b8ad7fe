r"""References instead of literals: what a section may refer to, how it is checked, and what it prints. Pure.

| reference | prints |
|---|---|
| `\result{run_3}{mse}`, of a curve's point `\result{run_0@l1=0.004}{mse}` | mean ± half-width of the 95 % t interval |
| `\setting{run_3}{l2}` | a recorded setting |
| `\measured{run_3}{mean_alpha}` | a self-reported measurement, with its half-width, marked with a superscript s |
| `\count{runs}`, `attempts`, `rejected`, `seeds` | how many |
| `\statement{H1}`, `\outcome{H1}` | the hypothesis as frozen, in our words; its outcome |
| `\finding{run_3}{run_0}{mse}` | the whole comparative statement on a frozen hypothesis, worded by its verdict |
| `\change{run_3}{run_0}{mse}` | any signed difference with its interval, without a verdict |
| `\detectable{H1}` | the smallest difference that its test finds with 80 % power |
| `\resultstable{run_0,run_1}{mse,l0}{label}{caption}` | a table, with a row for each point of a curve |
| `\evidencefigure{name}{label}{caption}` | a figure, with a line that says what drew it |

Values are links to their rows in the evidence appendix, and so are comparisons and settings, to a row of their arm or
run: entry number n (from 1, in the order of `evidence.json`) is the target `evidence.n`. A comparison names its test.
A run is called by its planned name where we word a sentence, `run_3` elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.errors import GroundworkError
from orchestrator.evidence import floats
from orchestrator.evidence.entries import UnknownReference, find, find_setting, half_width_of, linked, points, words
from orchestrator.evidence.findings import change_words, detectable_words, finding_words, outcome_words
from orchestrator.evidence.problems import Problem, located
from orchestrator.evidence.syntax import Passage, Reference, near, read
from orchestrator.evidence.typed import typed_anywhere, typed_numbers
from orchestrator.records import Evidence, Hypothesis, MetricSpec
from orchestrator.typography import escape, plain_interval, tex_interval, tex_scalar, typeset_words

Key = TypeVar("Key", bound=Hashable)

SELF_REPORTED = r"\textsuperscript{s}"
_LINK = re.compile(r"\\hyperlink\{evidence\.(\d+)\}")


def check(text: str, evidence: Evidence, citation_keys: Collection[str]) -> tuple[Problem, ...]:
    """Return every problem of a section, in the order of its lines; none means that `expand` will not fail."""
    passage = read(text)
    faults = [*passage.faults, *_unknown(passage, evidence), *_uncitable(passage, citation_keys)]
    faults += typed_anywhere(passage, evidence)
    faults += [(at, f"the label `{name}` is there twice") for at, name in _repeated(passage.labels)]
    if not text.strip():
        faults.append((0, "the section is empty"))
    return located(passage, faults)


def check_labels(sections: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return the labels that several sections define, and the pointers to a label that none of them defines."""
    return tuple(
        replace(problem, message=f"{name}: {problem.message}")
        for name, found in label_problems(sections, {}).items()
        for problem in found
    )


def label_problems(
    sections: Mapping[Key, str], gone: Mapping[Key, Collection[tuple[int, int]]]
) -> dict[Key, tuple[Problem, ...]]:
    """Return by section, or piece of one, what is wrong with labels and pointers; the spans in `gone` are not there."""
    passages = {name: read(text) for name, text in sections.items()}
    left = {
        name: [(at, label) for at, label in passage.labels if not _covered(at, gone.get(name, ()))]
        for name, passage in passages.items()
    }
    labels = {label for found in left.values() for _, label in found}
    problems = {}
    for name, passage in passages.items():
        elsewhere = {label for other, found in left.items() if other != name for _, label in found}
        wrong = [(at, f"another section has the label `{x}`") for at, x in left[name] if x in elsewhere]
        wrong += [
            (at, f"no label `{x}`; {near(x, labels)}")
            for at, x in passage.pointers
            if x not in labels and not _covered(at, gone.get(name, ()))
        ]
        problems[name] = located(passage, wrong)
    return problems


def expand(text: str, evidence: Evidence) -> str:
    """Return the section with every reference replaced by what it prints; GroundworkError names line and problem."""
    passage = read(text)
    if passage.faults:
        at, message = passage.faults[0]
        raise GroundworkError(f"line {passage.line(at)}: {message}")
    parts, done = [], 0
    for reference in passage.references:
        if reference.nested:
            continue
        try:
            shown = printed(reference, evidence, _caption(reference, evidence))
        except UnknownReference as error:
            raise GroundworkError(f"line {passage.line(reference.start)}: {error}") from error
        parts += [text[done : reference.start], shown]
        done = reference.end
    return "".join([*parts, text[done:]])


def printed(reference: Reference, evidence: Evidence, caption: str = "") -> str:
    """Return what one reference prints; `caption` is a float's, as it shall stand there. Raises UnknownReference."""
    arguments = reference.arguments if reference.name not in floats.NAMES else (*reference.arguments[:-1], caption)
    return _PRINTS[reference.name](evidence, *arguments)


def used(expanded: Collection[str], evidence: Evidence) -> tuple[int, ...]:
    """Return the numbers (from 1) of the entries that expanded sections print, for the evidence appendix."""
    numbers = {int(number) for text in expanded for number in _LINK.findall(text)}
    return tuple(sorted(number for number in numbers if number <= len(evidence.entries)))


def citation_keys(text: str) -> tuple[str, ...]:
    """Return the keys that a section cites, each once, in order of appearance."""
    return tuple(dict.fromkeys(key for _, key in read(text).citations))


def typed_result(prose: str) -> str:
    """Return the first number in plain text that looks like a typed result, or ''."""
    return next((number for _, number in typed_numbers(prose)), "")


def statement(hypothesis: Hypothesis, metrics: tuple[MetricSpec, ...]) -> str:
    """Return a hypothesis as a clause of plain text: "the adaptive run has a lower L0 than the baseline"."""
    arm, reference = _run_words(hypothesis.arm), _run_words(hypothesis.reference)
    metric = words(hypothesis.metric, metrics)
    matched = f" at matched {words(hypothesis.match, metrics)}" if hypothesis.match else ""
    if hypothesis.direction == "equivalent":
        return f"{arm} and {reference} have an equivalent {metric}{matched}"
    return f"{arm} has a {hypothesis.direction} {metric} than {reference}{matched}"


def describe(evidence: Evidence) -> str:
    """Return the evidence as plain text for a prompt: everything that can be referred to, with its values."""
    lines = [", ".join(f"{name}: {number}" for name, number in evidence.counts.items())]
    for run, name in evidence.runs.items():
        lines.append(f"{run} ({name})")
        for condition, settings in evidence.settings.get(run, {}).items():
            values = [_described(run, condition, group, evidence) for group in ("graded", "self-reported")]
            recorded = ", ".join(f"{key}={value}" for key, value in settings.items())
            lines += [
                f"  {run}@{condition}",
                *(f"    {value}" for value in values if value),
                f"    settings: {recorded}",
            ]
    for verdict in evidence.verdicts:
        arguments = f"{{{verdict.arm}}}{{{verdict.reference}}}{{{verdict.metric}}}"
        said = finding_words(evidence, verdict.arm, verdict.reference, verdict.metric)
        lines.append(f"{verdict.hypothesis} {verdict.outcome}: \\finding{arguments} prints: {said}")
    lines += [f"figure {figure.name}" for figure in evidence.figures]
    return "\n".join(lines)


def _described(run: str, condition: str, group: str, evidence: Evidence) -> str:
    entries = [e for e in evidence.entries if e.run == run and e.condition == condition]
    chosen = [e for e in entries if (e.split == "self-reported") == (group == "self-reported")]
    values = ", ".join(f"{e.metric} {plain_interval(e.value, half_width_of(e))}" for e in chosen)
    return f"{group}: {values}" if values else ""


def _caption(reference: Reference, evidence: Evidence) -> str:
    return expand(reference.arguments[-1], evidence) if reference.name in floats.NAMES else ""


def _covered(position: int, spans: Collection[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in spans)


def _unknown(passage: Passage, evidence: Evidence) -> list[tuple[int, str]]:
    faults = []
    for reference in passage.references:
        try:
            _PRINTS[reference.name](evidence, *reference.arguments)
        except UnknownReference as error:
            faults.append((reference.start, str(error)))
    return faults


def _uncitable(passage: Passage, keys: Collection[str]) -> list[tuple[int, str]]:
    return [(at, f"no citation key `{key}`; {near(key, keys)}") for at, key in passage.citations if key not in keys]


def _repeated(labels: list[tuple[int, str]]) -> list[tuple[int, str]]:
    names = [name for _, name in labels]
    return [(at, name) for n, (at, name) in enumerate(labels) if name in names[:n]]


def _run_words(name: str) -> str:
    run, at, condition = name.partition("@")
    called = "the baseline" if run == "baseline" else f"the {run.replace('_', ' ')} run"
    return f"{called} at {condition}" if at else called


def _result(evidence: Evidence, point: str, metric: str) -> str:
    entry = find(evidence, point, metric)
    return linked(evidence, entry, tex_interval(entry.value, half_width_of(entry)))


def _measured(evidence: Evidence, point: str, name: str) -> str:
    entry = find(evidence, point, name, self_reported=True)
    return linked(evidence, entry, tex_interval(entry.value, half_width_of(entry))) + SELF_REPORTED


def _setting(evidence: Evidence, point: str, name: str) -> str:
    """A setting is linked to a value of its run and point, whose file records it."""
    shown = tex_scalar(find_setting(evidence, point, name))
    (run, condition), *_ = points(evidence, point)
    graded = (e for e in evidence.entries if (e.run, e.condition) == (run, condition) and e.split != "self-reported")
    entry = next(graded, None)
    return linked(evidence, entry, shown) if entry else shown


def _count(evidence: Evidence, what: str) -> str:
    if what not in evidence.counts:
        raise UnknownReference(f"no count `{what}`; {near(what, evidence.counts)}")
    return str(evidence.counts[what])


def _hypothesis(evidence: Evidence, name: str) -> Hypothesis:
    hypotheses = {hypothesis.id: hypothesis for hypothesis in evidence.hypotheses}
    if name not in hypotheses:
        raise UnknownReference(f"no hypothesis `{name}`; {near(name, hypotheses)}")
    return hypotheses[name]


def _statement(evidence: Evidence, name: str) -> str:
    return escape(statement(_hypothesis(evidence, name), evidence.metrics))


def _in_words(say: Callable[..., str]) -> Callable[..., str]:
    """Set a comparison's plain words for TeX, linked to the value of its arm."""

    def show(evidence: Evidence, *arguments: str) -> str:
        words_set = typeset_words(say(evidence, *arguments))
        arm, metric = _about(evidence, arguments)
        try:
            return linked(evidence, find(evidence, arm, metric), words_set)
        except UnknownReference:
            return words_set  # an arm that never ran, or a whole curve: there is no one row

    return show


def _about(evidence: Evidence, arguments: tuple[str, ...]) -> tuple[str, str]:
    """The arm and the metric of a comparison: named by its arguments, or by the hypothesis that they name."""
    if len(arguments) > 1:
        return arguments[0], arguments[-1]
    return next(((v.arm, v.metric) for v in evidence.verdicts if v.hypothesis == arguments[0]), ("", ""))


_PRINTS: dict[str, Callable[..., str]] = {
    "result": _result,
    "setting": _setting,
    "measured": _measured,
    "count": _count,
    "statement": _statement,
    "outcome": _in_words(outcome_words),
    "detectable": _in_words(detectable_words),
    "change": _in_words(change_words),
    "finding": _in_words(finding_words),
    "resultstable": floats.results_table,
    "evidencefigure": floats.evidence_figure,
}
