"""Whether the entries of a bibliography are of works that exist, and say of them what their sources say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from orchestrator.errors import ScholarUnavailable
from orchestrator.paper import identity
from orchestrator.protocols import Scholar
from orchestrator.records import IdKind, Record, Source

CANDIDATES = 5
OTHERS = "others"
Verdict = Literal["verified", "altered", "unknown", "unchecked"]


class Difference(Record):
    """A field in which an entry and its source disagree; empty where one says nothing."""

    field: str
    entry: str
    source: str


class Checked(Record):
    """What became of one entry.

    `verified`: the work exists, and every field that can be compared agrees. `altered`: it exists, and `differences`
    say what doesn't agree. `unknown`: nobody who was asked knows it. `unchecked`: somebody who may know it, named in
    `unreached` with the reason, could not be asked. `source` is the id of the work, `title` and `url` are the source's.
    """

    key: str
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    source: str = ""
    title: str = ""
    url: str = ""
    unreached: tuple[str, ...] = ()


class Findings(Record):
    """What the sources said about one entry: works found, and for each of its identifiers whom it leads to.

    An identifier is absent from `led` where nobody was asked who would know it.
    """

    found: tuple[Source, ...] = ()
    led: dict[IdKind, Source | None] = {}
    unreached: tuple[str, ...] = ()


def check_entry(key: str, entry: Source, scholars: Sequence[Scholar]) -> Checked:
    """Return the verdict on one entry, asking in turn until somebody verifies it.

    A service that can't be asked is part of the verdict.
    """
    findings = Findings()
    for scholar in scholars:
        findings = _ask(entry, scholar, findings)
        if (checked := _judge(key, entry, findings)).verdict == "verified":
            return checked
    return _judge(key, entry, findings)


def repeated_entry(key: str) -> Checked:
    """Return the verdict on an entry whose key was taken: BibTeX takes the first and skips this one."""
    return Checked(key=key, verdict="unchecked", unreached=("the key is there twice, and this entry is skipped",))


def _ask(entry: Source, scholar: Scholar, before: Findings) -> Findings:
    """Return what is known with one more scholar's answers; half an answer counts, too."""
    found, led, unreached = list(before.found), dict(before.led), before.unreached
    try:
        for kind, value in entry.ids.items():
            work = scholar.lookup(kind, value)
            found += [work] if work else []
            if work or kind in scholar.resolves:
                led[kind] = led.get(kind) or work
        found += scholar.search(entry.title, CANDIDATES)
    except ScholarUnavailable as unavailable:
        unreached = (*unreached, str(unavailable))
    return Findings(found=tuple(found), led=led, unreached=unreached)


def _judge(key: str, entry: Source, findings: Findings) -> Checked:
    candidates = [source for source in findings.found if _may_be(entry, source)]
    if not candidates:
        verdict: Verdict = "unchecked" if findings.unreached else "unknown"
        return Checked(key=key, verdict=verdict, unreached=findings.unreached)
    best = max(candidates, key=lambda source: _agreement(entry, source))
    versions = [best, *(source for source in findings.found if source is not best and identity.same_work(best, source))]
    differences = (*_differences(entry, versions), *_misled(entry, versions, findings))
    # Whoever could not be asked may know the version that the entry is of.
    found_wrong: Verdict = "unchecked" if findings.unreached else "altered"
    return Checked(
        key=key,
        verdict=found_wrong if differences else "verified",
        differences=differences,
        source=best.id,
        title=best.title,
        url=best.url,
        unreached=findings.unreached,
    )


def _may_be(entry: Source, source: Source) -> bool:
    """Whether a work can be the one that the entry means: a name shared by two works is not enough."""
    if identity.same_id(entry, source):
        return True
    known = set(identity.families(entry)) & set(identity.families(source))
    alike = identity.title_likeness(entry, source)
    return alike >= identity.SAME or (
        bool(known) and (alike >= identity.NEAR or identity.shortened(entry.title, source.title))
    )


def _agreement(entry: Source, source: Source) -> tuple[bool, ...]:
    """How well a work fits, the weightier first."""
    return (
        _same_title(entry, source) and _same_authors(entry, source),
        _same_title(entry, source) and identity.families(entry)[:1] == identity.families(source)[:1],
        _same_title(entry, source),
        identity.same_id(entry, source),
        _same_year(entry, source),
    )


def _differences(entry: Source, versions: list[Source]) -> tuple[Difference, ...]:
    """The fields in which no version of the work agrees with the entry; the first one speaks for the source."""
    best = versions[0]
    found = []
    if not any(_same_title(entry, source) for source in versions):
        found.append(Difference(field="title", entry=entry.title, source=best.title))
    if not any(_same_authors(entry, source) for source in versions):
        found.append(Difference(field="author", entry=_listed(entry), source=_listed(best)))
    if not any(_same_year(entry, source) for source in versions):
        found.append(Difference(field="year", entry=str(entry.year or ""), source=str(best.year or "")))
    return tuple(found)


def _misled(entry: Source, versions: list[Source], findings: Findings) -> tuple[Difference, ...]:
    """The identifiers that lead to another work or nowhere, or that differ from those of every version."""
    found = []
    for kind, value in entry.ids.items():
        listed = sorted({source.ids[kind] for source in versions if kind in source.ids})
        if value in listed:
            continue
        other = findings.led.get(kind)
        if other is not None:
            said = f"{listed[0] if listed else 'none'} ({value} is '{other.title}')"
            found.append(Difference(field=kind, entry=value, source=said))
        elif listed or kind in findings.led:
            found.append(Difference(field=kind, entry=value, source=listed[0] if listed else ""))
    return tuple(found)


def _same_title(entry: Source, source: Source) -> bool:
    return identity.title_likeness(entry, source) >= identity.SAME or any(
        identity.shortened(entry.title, title) for title in identity.titles(source)
    )


def _same_authors(entry: Source, source: Source) -> bool:
    """Whether the families are the same in the same order; one that ends with `and others` names the first ones."""
    theirs, ours = identity.families(entry), identity.families(source)
    if theirs and theirs[-1] == OTHERS:
        return 1 < len(theirs) <= len(ours) + 1 and ours[: len(theirs) - 1] == theirs[:-1]
    return bool(theirs) and theirs == ours


def _same_year(entry: Source, source: Source) -> bool:
    """A preprint is often a year older than what is cited for it."""
    return entry.year is not None and source.year is not None and abs(entry.year - source.year) <= 1


def _listed(source: Source) -> str:
    return "; ".join(name.strip("{}") for name in source.authors)
