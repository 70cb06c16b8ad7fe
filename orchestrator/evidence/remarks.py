r"""References in the notes' prose, expanded as plain text from the dev results. Pure.

Of the paper's vocabulary there are `\result`, `\measured`, `\setting` and `\change`, with the place that a value comes
from behind it. What a run showed on dev is exploratory: values and intervals, no verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.evidence.compare import difference
from orchestrator.evidence.entries import UnknownReference, find, find_setting, half_width_of, points, words
from orchestrator.evidence.syntax import near
from orchestrator.records import Evidence, EvidenceEntry
from orchestrator.typography import plain_interval, signed_range

_REFERENCE = re.compile(r"\\([A-Za-z]+)((?:\{[^{}]*\})*)")


def expand_remark(text: str, dev: Evidence) -> str:
    """Return `text` with its references expanded; UnknownReference names one that is none, and what there is."""
    return _REFERENCE.sub(lambda found: _expanded(found[1], found[2], dev), text)


def without_references(text: str) -> str:
    """Return the words of `text` that are its writer's own."""
    return _REFERENCE.sub("", text)


def _expanded(name: str, given: str, dev: Evidence) -> str:
    arguments = given[1:-1].split("}{") if given else []
    if name not in _PRINTS or len(arguments) != _PRINTS[name][0]:
        known = ", ".join(f"\\{one} with {count} arguments" for one, (count, _) in _PRINTS.items())
        raise UnknownReference(f"`\\{name}{given}` is no reference of the notes; there are {known}")
    return _PRINTS[name][1](dev, *arguments)


def _value(entry: EvidenceEntry) -> str:
    return f"{plain_interval(entry.value, half_width_of(entry))} [{entry.file}#{entry.key}]"


def _result(dev: Evidence, point: str, metric: str) -> str:
    return _value(find(dev, point, metric))


def _measured(dev: Evidence, point: str, name: str) -> str:
    return f"{_value(find(dev, point, name, self_reported=True))} (self-reported)"


def _setting(dev: Evidence, point: str, name: str) -> str:
    return str(find_setting(dev, point, name))


def _change(dev: Evidence, arm: str, reference: str, metric: str) -> str:
    for name in (arm, reference):
        points(dev, name)
    if metric not in {spec.name for spec in dev.metrics}:
        raise UnknownReference(f"no metric `{metric}`; {near(metric, [spec.name for spec in dev.metrics])}")
    found = difference(dev, (arm, reference), metric, dev.equal_settings, split="dev")
    if found.difference is None or found.interval is None:
        return f"not comparable ({found.reason})"
    value, low, high = signed_range(found.difference, *found.interval)
    matched = f" at matched {words(found.matched_on, dev.metrics)}" if found.matched_on else ""
    return f"{value}, 95 % CI {low} to {high}{matched} [dev, exploratory: {arm} minus {reference} in {metric}]"


_PRINTS: dict[str, tuple[int, Callable[..., str]]] = {
    "result": (2, _result),
    "measured": (2, _measured),
    "setting": (2, _setting),
    "change": (3, _change),
}
