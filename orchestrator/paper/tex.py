"""The paper as one LaTeX document, and what TeX's log has to say about it. Pure text, from the template's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from orchestrator.records import Evidence, EvidenceEntry
from orchestrator.typography import breakable, escape, tex_interval, typeset_words

TEMPLATE = "paper.tex.j2"
STRUCK = r"\struckout{"
OVERFULL_PT = 5.0
HASH_DIGITS = 12


@dataclass(frozen=True)
class Part:
    """A section: its heading as plain text, and its LaTeX with references expanded."""

    heading: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """A hypothesis as frozen, and what became of it; plain text."""

    id: str
    statement: str
    outcome: str
    details: str = ""


@dataclass(frozen=True)
class Paper:
    """Everything a document is made of.

    `title`, `abstract` and the parts' texts are LaTeX with references expanded, `provenance` is plain text, `used` are
    the numbers (from 1) of the evidence's entries that the text prints, and `bibliography` is the stem of a .bib file
    beside the document, or '' for a paper that cites nothing.
    """

    title: str
    provenance: str
    abstract: str
    parts: tuple[Part, ...]
    hypotheses: tuple[Outcome, ...]
    used: tuple[int, ...]
    bibliography: str = ""

    @property
    def struck(self) -> bool:
        """True where the paper shows something struck out."""
        return any(STRUCK in text for text in (self.title, self.abstract, *(part.text for part in self.parts)))


def render(paper: Paper, evidence: Evidence, folder: Path) -> str:
    """Return the LaTeX document that `folder/paper.tex.j2` makes of a paper."""
    chosen = {number: evidence.entries[number - 1] for number in paper.used}
    letters = _letters(tuple(chosen.values()))
    return _template(folder).render(
        title=paper.title.strip(),
        pdf_title=_pdf_string(paper.title),
        provenance=escape(paper.provenance),
        abstract=paper.abstract.strip(),
        sections=[{"heading": escape(part.heading), "text": part.text.strip()} for part in paper.parts],
        hypotheses=[
            {
                "id": one.id,
                "statement": escape(one.statement),
                "outcome": escape(one.outcome),
                "details": typeset_words(one.details),
            }
            for one in paper.hypotheses
        ],
        metrics=[
            {"name": escape(spec.name), "words": escape(_defined(spec.words, spec.unit))} for spec in evidence.metrics
        ],
        rows=[_row(number, entry, letters) for number, entry in chosen.items()],
        seeds=[{"letter": letter, "numbers": ", ".join(map(str, seeds))} for seeds, letter in letters.items()],
        bibliography=paper.bibliography,
        struck=paper.struck,
    )


def complaints(log: str) -> tuple[str, ...]:
    """Return what a TeX log says that a reader would see: lines too long, undefined references, labels set twice."""
    found = [
        f"overfull by {match[1]} pt{f' at lines {match[2]}' if match[2] else ''}"
        for match in re.finditer(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)(?:.*?lines? ([\d-]+))?", log)
        if float(match[1]) > OVERFULL_PT
    ]
    undefined = re.findall(r"Warning: ((?:Reference|Citation|Label) `[^']+'[^.]*?(?:undefined|multiply defined))", log)
    unnamed = re.findall(r"Warning: (.*? with the same identifier|name\{[^}]*\} has been referenced but [^\n]*)", log)
    return tuple(dict.fromkeys([*found, *(" ".join(text.split()) for text in [*undefined, *unnamed])]))


def _template(folder: Path) -> Template:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (the output is LaTeX, escaped by hand where it is text)
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE)


def _row(number: int, entry: EvidenceEntry, letters: dict[tuple[int, ...], str]) -> dict[str, str]:
    half = None if entry.interval is None else (entry.interval[1] - entry.interval[0]) / 2
    return {
        "number": str(number),
        "value": tex_interval(entry.value, half),
        "file": breakable(entry.file),
        "key": breakable(entry.key),
        "seeds": letters[entry.seeds],
        "sha256": entry.sha256[:HASH_DIGITS],
    }


def _letters(entries: tuple[EvidenceEntry, ...]) -> dict[tuple[int, ...], str]:
    """Name each set of seeds by a letter: most papers have one, and it is too long for a column."""
    distinct = dict.fromkeys(entry.seeds for entry in entries)
    return {seeds: ascii_uppercase[n] if n < len(ascii_uppercase) else f"Z{n}" for n, seeds in enumerate(distinct)}


def _defined(words: str, unit: str) -> str:
    return f"{words} (in {unit})" if unit else words


def _pdf_string(title: str) -> str:
    """A document's properties hold plain characters: commands and braces are left out."""
    if STRUCK in title:
        return "[struck out]"
    return escape(" ".join(re.sub(r"\\[A-Za-z]+|[\\{}$~^_%#&]", " ", title).split()))
