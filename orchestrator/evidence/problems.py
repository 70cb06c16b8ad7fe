"""What is wrong with a section, each with its line, its sentence, and what is possible instead. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.evidence.sentences import Sentence, innermost, sentences
from orchestrator.evidence.syntax import Passage

Fault = tuple[int, str]


@dataclass(frozen=True)
class Problem:
    """What is wrong at a line (from 1) of a section, with the sentence as it stands, and what is possible instead.

    The sentence is `text[start:end]`; something that is missing from a section has none.
    """

    line: int
    quote: str
    message: str
    start: int = 0
    end: int = 0


def located(passage: Passage, faults: Iterable[Fault], pieces: tuple[Sentence, ...] = ()) -> tuple[Problem, ...]:
    """Return faults, which are positions with what is wrong there, with their sentences and in order."""
    pieces = pieces or sentences(passage)
    return tuple(_at(passage, pieces, position, message) for position, message in sorted(set(faults)))


def missing(messages: Iterable[str]) -> tuple[Problem, ...]:
    """Return a problem for each thing that a section leaves out."""
    return tuple(Problem(1, "", message) for message in messages)


def _at(passage: Passage, pieces: tuple[Sentence, ...], position: int, message: str) -> Problem:
    around = innermost(pieces, position)
    # What belongs to no sentence can only be taken out with the whole section.
    start, end = (around.start, around.end) if around else (0, len(passage.text))
    return Problem(passage.line(position), passage.text[start:end].strip(), message, start, end)
