"""A section in pieces that can be set by themselves: paragraphs, and what must stay together. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.evidence.striking import Place
from orchestrator.evidence.syntax import FONTS, read
from orchestrator.typography import escape

_BLANK = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True)
class Piece:
    """A part of a section's LaTeX. `typed`: it is shown as it was typed. `mended`: code has mended it already."""

    source: str
    typed: bool = False
    mended: bool = False


def pieces_of(text: str) -> list[Piece]:
    """Cut a section at its blank lines, but not within an environment or braces."""
    paragraphs = [one for one in _BLANK.split(text.strip()) if one.strip()]
    pieces: list[Piece] = []
    while paragraphs:
        whole = (n for n in range(1, len(paragraphs) + 1) if not read("\n\n".join(paragraphs[:n])).faults)
        taken = next(whole, 1)
        pieces.append(Piece("\n\n".join(paragraphs[:taken])))
        paragraphs = paragraphs[taken:]
    return pieces or [Piece("")]


def placed(text: str, path: str) -> Iterator[tuple[Piece, Place]]:
    """Yield the pieces of a section, each with where it stands in the section's file."""
    at = 0
    for piece in pieces_of(text):
        at = max(at, text.find(piece.source.split("\n", 1)[0], at))
        yield piece, Place(path, text.count("\n", 0, at) + 1)


def digest(piece: Piece) -> str:
    """Return the name by which the journal knows a piece: the SHA-256 of its source."""
    return hashlib.sha256(piece.source.encode()).hexdigest()


def typed(text: str) -> str:
    """Return LaTeX that shows `text` as it was typed, so that nothing of it is lost."""
    shown = "".join(escape(c) if FONTS.match(c) else f"[U+{ord(c):04X}]" for c in text.strip())
    lines = "\n".join(line for line in shown.splitlines() if line.strip())
    return rf"{{\ttfamily\small\raggedright {lines}\par}}"


def lines_of(document: str, bodies: Iterable[str]) -> list[range]:
    """Return the lines, from 1, in which each of the consecutive texts stands in a document."""
    found, position = [], 0
    for body in bodies:
        start = document.find(body, position)
        if start < 0:
            found.append(range(0))
            continue
        position = start + len(body)
        first = document.count("\n", 0, start) + 1
        # TeX reports a formula or a paragraph that never ended at the blank line after it
        found.append(range(first, first + body.count("\n") + 2))
    return found
