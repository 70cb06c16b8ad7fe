"""What a figure shows, read back from its own data, and what is wrong with it. Pure."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from pydantic import Field

from orchestrator.records import Evidence, EvidenceEntry, MetricSpec, Record

SMALLEST_FONT_PT = 6.0
# Two greys that differ by less than this part of black to white look alike in print.
GREY_STEP = 0.12
GUIDE_POINTS = 2
_WORD = re.compile(r"[a-z0-9]{2,}")


class Series(Record):
    """One line, row of bars or cloud as it was drawn."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: tuple[float, float, float]
    marker: str
    line: str

    @property
    def guide(self) -> bool:
        """True for a bare line without a name, such as one at zero, which shows no result."""
        return self.label.startswith("_") and self.marker == "None" and len(self.x) == GUIDE_POINTS

    @property
    def grey(self) -> float:
        """The luminance of the colour (ITU-R BT.709): 0 is black, 1 is white."""
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), self.colour, strict=True))


class Panel(Record):
    """One axes; `ticks` are places along x and the texts under them, bars the ends of all error bars."""

    xlabel: str
    ylabel: str
    ticks: tuple[tuple[float, str], ...] = ()
    series: tuple[Series, ...]
    x_bars: tuple[tuple[float, float], ...] = ()
    y_bars: tuple[tuple[float, float], ...] = ()


class Drawn(Record):
    """`figures/<name>.json`, as `drawing.py` writes it."""

    axes: tuple[Panel, ...]
    smallest_font_pt: float
    overlapping: tuple[str, ...] = ()
    source: dict[str, str] = Field(min_length=1)


def shown(drawn: Drawn, evidence: Evidence) -> tuple[EvidenceEntry, ...]:
    """Return the entries whose values the figure shows, each once."""
    found = [e for panel in drawn.axes for one in panel.series for e in _matched(one, evidence) if e]
    return tuple({entry.id: entry for entry in found}.values())


def check_figure(drawn: Drawn, evidence: Evidence) -> tuple[str, ...]:
    """Return what is wrong with a figure, each as a sentence for who drew it."""
    problems = [p for panel in drawn.axes for p in _panel(panel, evidence)]
    entries = shown(drawn, evidence)
    if not entries:
        problems.append("it is blank: it shows no value of evidence.json")
    for metric in sorted({entry.metric for entry in entries}):
        missing = {e.run for e in _entries(evidence, metric)} - {e.run for e in entries if e.metric == metric}
        problems += [f"it shows `{metric}` without {run}: every run belongs into it" for run in sorted(missing)]
    if drawn.smallest_font_pt < SMALLEST_FONT_PT:
        problems.append(f"its smallest text has {drawn.smallest_font_pt:g} pt; {SMALLEST_FONT_PT:g} can be read")
    problems += [f"tick labels lie over each other: {pair}" for pair in drawn.overlapping[:1]]
    return tuple(dict.fromkeys(problems))


def _panel(panel: Panel, evidence: Evidence) -> Iterator[str]:
    real = [one for one in panel.series if not one.guide]
    for one in real:
        entries = _matched(one, evidence)
        yield from _values(one, entries)
        yield from _names(one, entries, panel, evidence)
        yield from _intervals(panel.y_bars, [e for e in entries if e], f"`{one.label}`")
        yield from _axis(panel.ylabel, {e.metric for e in entries if e}, evidence, "y")
        across = _across(one, entries, evidence)
        yield from _intervals(panel.x_bars, across, f"`{one.label}` along x")
        yield from _axis(panel.xlabel, {e.metric for e in across}, evidence, "x")
    named = [one for one in real if not one.label.startswith("_")]
    for one, other in itertools.combinations(named, 2):
        if (one.marker, one.line) == (other.marker, other.line) and abs(one.grey - other.grey) < GREY_STEP:
            yield f"`{one.label}` and `{other.label}` look alike in grey: give them other markers"


def _values(one: Series, entries: list[EvidenceEntry | None]) -> Iterator[str]:
    wrong = [y for y, entry in zip(one.y, entries, strict=True) if entry is None]
    if wrong:
        yield f"`{one.label}` shows {wrong[0]:.6g}, which is no value of one metric in evidence.json (test)"


def _names(one: Series, entries: list[EvidenceEntry | None], panel: Panel, evidence: Evidence) -> Iterator[str]:
    """A name says which run it is, by run_N or the planned name; a row of several runs is named below the axis."""
    runs = {entry.run for entry in entries if entry}
    for x, entry in zip(one.x, entries, strict=True):
        if entry is None:
            continue
        unnamed = len(runs) > 1 or one.label.startswith("_")
        below = [text for place, text in panel.ticks if unnamed and abs(place - x) < 1e-6]
        name = " ".join(below) or one.label
        said = _said(name, evidence.runs)
        if entry.run not in said:
            yield f"`{name}` stands at a value of {entry.run}, and doesn't say so: use `{entry.run}`"
        elif said != {entry.run}:
            yield f"`{name}` stands at a value of {entry.run} and names {', '.join(sorted(said - {entry.run}))}, too"


def _said(name: str, runs: dict[str, str]) -> set[str]:
    """Return the runs that a label names: by run_N, else by the longest planned name ("fixed at mean", not "fixed")."""
    plain = re.sub(r"[\s_-]+", " ", name.lower())
    numbered = {run for run in runs if re.search(rf"\b{run.replace('_', ' ')}\b", plain)}
    planned = {run: words for run, one in runs.items() if (words := one.replace("_", " ")) in plain}
    longest = {run for run, words in planned.items() if not any(words in w and words != w for w in planned.values())}
    return numbered or longest


def _intervals(bars: tuple[tuple[float, float], ...], entries: list[EvidenceEntry], what: str) -> Iterator[str]:
    wanted = [entry.interval for entry in entries if entry.interval and entry.interval[0] < entry.interval[1]]
    for low, high in wanted:
        if not any(_near(low, min(bar)) and _near(high, max(bar)) for bar in bars):
            yield f"{what} lacks error bars at the ends of its 95 % interval [{low:.6g}, {high:.6g}]"
            return


def _axis(label: str, metrics: set[str], evidence: Evidence, axis: str) -> Iterator[str]:
    specs = {spec.name: spec for spec in evidence.metrics}
    for metric in sorted(metrics & set(specs)):
        score = {name: _overlap(label, spec) for name, spec in specs.items()}
        if not score[metric] or max(score.values()) > score[metric]:
            yield f"the {axis} axis shows `{metric}` and is called `{label}`: call it {specs[metric].words}"
        elif specs[metric].unit and not _words(specs[metric].unit) & _words(label):
            yield f"the {axis} axis lacks the unit of `{metric}`: {specs[metric].unit}"


def _overlap(label: str, spec: MetricSpec) -> int:
    return len(_words(f"{spec.words} {spec.name}") & _words(label))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower().replace("_", " ")))


def _matched(one: Series, evidence: Evidence) -> list[EvidenceEntry | None]:
    """Return for each point the entry whose value it is: of the one metric that explains most points."""
    best: list[EvidenceEntry | None] = [None] * len(one.y)
    for metric in dict.fromkeys(entry.metric for entry in evidence.entries):
        entries = _entries(evidence, metric)
        found = [_at(x, y, entries, evidence) for x, y in zip(one.x, one.y, strict=True)]
        if sum(entry is not None for entry in found) > sum(entry is not None for entry in best):
            best = found
    return best


def _at(x: float, y: float, entries: list[EvidenceEntry], evidence: Evidence) -> EvidenceEntry | None:
    """Where two runs share a value, the one whose other metric stands on the x axis is meant."""
    found = [entry for entry in entries if _near(entry.value, y)]
    return next((entry for entry in found if _sibling(entry, x, evidence)), found[0] if found else None)


def _across(one: Series, entries: list[EvidenceEntry | None], evidence: Evidence) -> list[EvidenceEntry]:
    pairs = ((x, entry) for x, entry in zip(one.x, entries, strict=True) if entry)
    siblings = [_sibling(entry, x, evidence) for x, entry in pairs]
    found = [entry for entry in siblings if entry]
    return found if len(found) == len(siblings) else []


def _sibling(entry: EvidenceEntry, x: float, evidence: Evidence) -> EvidenceEntry | None:
    same = (e for e in evidence.entries if (e.run, e.condition, e.split) == (entry.run, entry.condition, entry.split))
    return next((e for e in same if e.metric != entry.metric and _near(e.value, x)), None)


def _entries(evidence: Evidence, metric: str) -> list[EvidenceEntry]:
    return [entry for entry in evidence.entries if entry.metric == metric and entry.split == "test"]


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-12)
