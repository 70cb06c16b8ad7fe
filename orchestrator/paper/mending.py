"""Mends the LaTeX of a section without a model: what models and people write, one repair after the other. Pure.

Each repair is checked: one that makes a text worse, which parsed before and does not after, is taken back. No repair
drops words; what it can't know is left as it is, for the check to name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.evidence.syntax import read
from orchestrator.paper.repairs import characters, commands, formulas, markdown, nesting

REPAIRS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Markdown's blocks are LaTeX", markdown.blocks),
    ("Markdown's marks are commands", markdown.inline),
    ("environments are closed", nesting.environments),
    ("braces are closed", nesting.braces),
    ("blank lines are out of formulas and arguments", nesting.paragraphs),
    ("dollars are paired", nesting.dollars),
    ("characters that the fonts lack are commands", characters.unicode),
    ("special characters are escaped", characters.specials),
    ("commands have the names that they have here", commands.aliases),
    ("unknown commands are replaced by what they hold", commands.unknown),
    ("commands of formulas stand in formulas", commands.sides),
    ("items stand in a list", nesting.items),
    ("double scripts are grouped", formulas.scripts),
    ("delimiters pair up", formulas.delimiters),
    ("equations with marks are aligned", formulas.alignment),
    ("tables have as many columns as cells", formulas.columns),
    ("labels are there once", commands.labels),
    ("line breaks end a line", nesting.unlined),
)


@dataclass(frozen=True)
class Mended:
    """A section's text, and in words what was done to it."""

    text: str
    done: tuple[str, ...]


def mend(text: str) -> Mended:
    """Return the text after all repairs that changed it for the better."""
    done = []
    for words, repair in REPAIRS:
        repaired = repair(text)
        if repaired != text and not (_parses(text) and not _parses(repaired)):
            text = repaired
            done.append(words)
    return Mended(text, tuple(done))


def _parses(text: str) -> bool:
    return not any(message.startswith("this does not parse") for _, message in read(text).faults)
