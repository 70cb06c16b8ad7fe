"""The paper as one LaTeX document, and what TeX's log has to say about it. Pure text, from the template's file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.paper import appendix, limitations
from orchestrator.paper.account import Account
from orchestrator.paper.summary import Summary
from orchestrator.records import Evidence
from orchestrator.typography import escape, typeset_words

TEMPLATE = "paper.tex.j2"
STRUCK = r"\struckout{"
PLAIN_TEMPLATE = "export.tex.j2"
_LINK = re.compile(r"\\hyperlink\{(?:evidence|comparison)\.[^{}]*\}")
OVERFULL_PT = 5.0


@dataclass(frozen=True)
class Part:
    """A section: its heading as plain text, and its LaTeX with references expanded."""

    heading: str
    text: str
    name: str = ""


@dataclass(frozen=True)
class Outcome:
    """A hypothesis as frozen, and what became of it; plain text. `frozen_after` runs were known when it was frozen."""

    id: str
    statement: str
    outcome: str
    details: str = ""
    frozen_after: int = 0


@dataclass(frozen=True)
class Paper:
    """Everything a document is made of.

    `title`, `abstract` and the parts' texts are LaTeX with references expanded, `provenance` is plain text, `used` are
    the numbers (from 1) of the evidence's entries that the text prints, `sources` the sections before expansion, and
    `told` has the hypotheses whose outcomes a section tells by itself, and
    `bibliography` is the stem of a .bib file beside the document, or '' for a paper that cites nothing.
    """

    title: str
    provenance: str
    abstract: str
    parts: tuple[Part, ...]
    hypotheses: tuple[Outcome, ...]
    used: tuple[int, ...]
    bibliography: str = ""
    summary: Summary = Summary()
    told: Mapping[str, Collection[str]] = field(default_factory=dict)
    account: Account = Account()
    sources: tuple[str, ...] = ()

    @property
    def struck(self) -> bool:
        """True where the paper shows something struck out."""
        return any(STRUCK in text for text in (self.title, self.abstract, *(part.text for part in self.parts)))


def render(paper: Paper, evidence: Evidence, folder: Path) -> str:
    """Return the LaTeX document that `folder/paper.tex.j2` makes of a paper."""
    behind = appendix.values(evidence, paper.used, paper.sources, paper.account)
    return _rendered(paper, evidence, folder / TEMPLATE, {"behind": behind, "with_appendix": True})


def render_plain(paper: Paper, evidence: Evidence, folder: Path, *, style: str, anonymous: bool) -> str:
    """Return the LaTeX document for a venue, without its sections; `style` is the name of its .sty or .cls, or ''."""
    kind = Path(style).suffix
    options = {
        "with_appendix": False,
        "anonymous": anonymous,
        "style": Path(style).stem if kind == ".sty" else "",
        "documentclass": Path(style).stem if kind == ".cls" else "",
    }
    return unlinked(_rendered(paper, evidence, folder / PLAIN_TEMPLATE, options))


def unlinked(text: str) -> str:
    """Return LaTeX without links into the evidence appendix; what they show stays."""
    return _LINK.sub("", text)


def _rendered(paper: Paper, evidence: Evidence, template: Path, options: dict[str, object]) -> str:
    hypotheses = [
        {
            "id": one.id,
            "statement": escape(one.statement),
            "outcome": escape(one.outcome),
            "details": typeset_words(one.details),
            "frozen_after": one.frozen_after,
        }
        for one in paper.hypotheses
    ]
    return (
        _environment(template.parent)
        .get_template(template.name)
        .render(
            title=paper.title.strip(),
            pdf_title=_pdf_string(paper.title),
            provenance=escape(paper.provenance),
            abstract=paper.abstract.strip(),
            summary=paper.summary,
            untold={name: _untold(paper, name) for name in ("abstract", "conclusion")},
            sections=_sections(paper),
            hypotheses=hypotheses,
            bibliography=paper.bibliography,
            limits=limitations.values(evidence, paper.account),
            struck=paper.struck,
            **options,
        )
    )


def _untold(paper: Paper, section: str) -> list[str]:
    """Return the outcomes that we add to a section: those that it doesn't tell by itself."""
    told = paper.told.get(section, ())
    return [clause for hypothesis, clause in paper.summary.outcomes.items() if hypothesis not in told]


def _sections(paper: Paper) -> list[dict[str, object]]:
    last = len(paper.parts) - 1
    return [
        {"heading": escape(part.heading), "text": part.text.strip(), "name": part.name, "last": n == last}
        for n, part in enumerate(paper.parts)
    ]


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


def _environment(folder: Path) -> Environment:
    return Environment(
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


def _pdf_string(title: str) -> str:
    """A document's properties hold plain characters: commands and braces are left out."""
    if STRUCK in title:
        return "[struck out]"
    return escape(" ".join(re.sub(r"\\[A-Za-z]+|[\\{}$~^_%#&]", " ", title).split()))
