r"""Sections as the paper sets them: references expanded, what the checks refuse struck out, the rest told apart. Pure.

A sentence that still has a problem is shown as it was typed, in `\struckout{...}`; so no reference in it is expanded
and no command in it works. In abstract, results and conclusion, a clause that the evidence does not answer for is set
as `\interpretation{...}`. Both are computed from the text, the evidence and the keys alone, so that `verify` can repeat
them. The paper's template defines the two commands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.evidence import floats
from orchestrator.evidence.checks import check_section
from orchestrator.evidence.interpretation import Span, interpreted
from orchestrator.evidence.problems import Problem
from orchestrator.evidence.references import label_problems, printed
from orchestrator.evidence.sentences import Sentence, sentences
from orchestrator.evidence.syntax import FONTS, Reference, read
from orchestrator.records import Evidence, Finding
from orchestrator.typography import escape

Key = tuple[str, int]  # a section's name, and the number of a piece of it

LONGEST = 16  # characters that may stand unbroken in a struck sentence
UNANSWERED = "This section was never answered in a form that can be used."

Mark = Reference | str


@dataclass(frozen=True)
class Place:
    """Where a piece of a section stands: a file in the idea folder, and the piece's first line (from 1)."""

    path: str
    line: int


@dataclass(frozen=True)
class SetSection:
    """A section as LaTeX for the paper, with its problems; sentences that have one are struck out.

    `pieces` are its sentences that lie in no other, each with the LaTeX that stands for it.
    """

    latex: str
    problems: tuple[Problem, ...]
    pieces: tuple[tuple[Sentence, str], ...] = ()

    @property
    def struck(self) -> tuple[Problem, ...]:
        """The first problem of each sentence that was struck out."""
        first = {(one.start, one.end): one for one in reversed(self.problems) if one.end}
        return tuple(sorted(first.values(), key=lambda one: one.start))


def set_sections(texts: Mapping[str, str], evidence: Evidence, citation_keys: Collection[str]) -> dict[str, SetSection]:
    """Return every section as the paper shows it; nothing in them makes this fail."""
    whole = set_pieces({(name, 0): text for name, text in texts.items()}, evidence, citation_keys)
    return {name: section for (name, _), section in whole.items()}


def set_pieces(texts: Mapping[Key, str], evidence: Evidence, citation_keys: Collection[str]) -> dict[Key, SetSection]:
    """Return every piece of every section as the paper shows it; nothing in them makes this fail."""
    problems = {key: check_section(key[0], text, evidence, citation_keys) for key, text in texts.items()}
    while True:
        gone = {key: {(one.start, one.end) for one in found if one.end} for key, found in problems.items()}
        further = label_problems(texts, gone)
        # A struck table takes its label with it, and with that the sentences that point to it.
        if not any(further.values()):
            break
        problems = {key: (*problems[key], *further[key]) for key in problems}
    return {key: _set(key[0], text, evidence, problems[key]) for key, text in texts.items()}


def struck_findings(finished: Mapping[Key, SetSection], places: Mapping[Key, Place]) -> tuple[Finding, ...]:
    """Return a finding for each sentence that was struck out of a piece; `places` say where the pieces stand."""
    return tuple(
        Finding(
            code="struck-out",
            severity="warning",
            message=one.message,
            where=f"{places[key].path}:{places[key].line + one.line - 1}",
            quote=one.quote,
        )
        for key, section in finished.items()
        for one in section.struck
    )


def told(name: str, section: SetSection, evidence: Evidence) -> set[tuple[str, str]]:
    """Return which statements and outcomes a section tells, as `("outcome", "H1")`, in sentences that stand.

    An outcome that words of interpretation follow in its sentence is not told plainly.
    """
    whole = tuple(sentence for sentence, _ in section.pieces)
    spans, gone = interpreted(name, whole, evidence), {(one.start, one.end) for one in section.struck}
    return {
        (reference.name, reference.arguments[0])
        for sentence in whole
        for reference in sentence.references
        if reference.name in ("statement", "outcome")
        and not any(a <= reference.start < b for a, b in gone)
        and not any(reference.start < b <= sentence.end for _, b in spans)
    }


def _set(name: str, text: str, evidence: Evidence, problems: tuple[Problem, ...]) -> SetSection:
    if not text.strip():
        return SetSection(_struck_out(UNANSWERED), problems)
    passage = read(text)
    if passage.broken:
        parts = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
        return SetSection("\n\n".join(map(_struck_out, parts)), problems)
    pieces = sentences(passage)
    marks: list[tuple[int, int, Mark]] = [(one.start, one.end, "struck") for one in problems if one.end]
    marks += [(start, end, "interpretation") for start, end in interpreted(name, pieces, evidence)]
    marks += [(one.start, one.end, one) for one in passage.references]
    # The widest first; what lies in a struck sentence is never reached.
    marks.sort(key=lambda mark: (mark[0], -mark[1], mark[2] != "struck"))
    outer = [one for one in pieces if not any(o is not one and o.start <= one.start < one.end <= o.end for o in pieces)]
    shown = tuple((one, _range(text, (one.start, one.end), marks, evidence)) for one in outer)
    return SetSection(_range(text, (0, len(text)), marks, evidence), problems, shown)


def _range(text: str, span: Span, marks: list[tuple[int, int, Mark]], evidence: Evidence) -> str:
    """Return `text[start:end]` with the outermost marks in it replaced, each with what lies within it."""
    parts, at = [], span[0]
    for index, (start, end, mark) in enumerate(marks):
        if start < at or end > span[1]:
            continue
        parts.append(text[at:start])
        inner = marks[index + 1 :]
        if mark == "struck":
            parts.append(_struck_out(text[start:end]))
        elif isinstance(mark, Reference):
            caption_end = end - 1
            caption = (caption_end - len(mark.arguments[-1]), caption_end)
            shown = _range(text, caption, inner, evidence) if mark.name in floats.NAMES else ""
            parts.append(printed(mark, evidence, shown))
        else:
            parts.append(rf"\interpretation{{{_range(text, (start, end), inner, evidence)}}}")
        at = end
    return "".join([*parts, text[at : span[1]]])


def _struck_out(source: str) -> str:
    """Return source text so that a reader sees it as it was typed; what no font has is shown by its number."""
    plain = "".join(c if FONTS.match(c) else f"[U+{ord(c):04X}]" for c in " ".join(source.split()))
    words = (r"\allowbreak{}".join(map(_struck_word, _broken(word))) for word in plain.split(" "))
    return rf"\struckout{{{' '.join(words)}}}"


def _broken(word: str) -> list[str]:
    return [word[at : at + LONGEST] for at in range(0, len(word), LONGEST)]


def _struck_word(word: str) -> str:
    return rf"\struckword{{{escape(word)}}}"
