"""Which of a writer's words no reference carries: they are set so that a reader sees it. Pure."""

from __future__ import annotations

import re

from orchestrator.evidence import wordlists as lists
from orchestrator.evidence.sentences import Sentence
from orchestrator.evidence.syntax import PLACEHOLDER

INTERPRETED = frozenset({"abstract", "results", "conclusion"})
RESULTS = frozenset({"result", "measured", "change", "finding", "outcome", "detectable"})
_BOUNDARY = r"[,:;]|---?|[–—]|(?=\()"
_CONCEDING = re.compile(r"(?:if|although|though|while|whereas|even|despite|given|as|since|because)\b", re.IGNORECASE)

Span = tuple[int, int]


def interpreted(name: str, pieces: tuple[Sentence, ...]) -> tuple[Span, ...]:
    """Return the parts of a section that no reference carries; headings and bare formulas are none.

    They are clauses without a reference, and in a clause with one what follows the last at some length, or leads up to
    the first: "H1 is \\outcome{H1}, which is what theory asks for".
    """
    told = [piece for piece in pieces if name in INTERPRETED and piece.kind in ("text", "caption", "footnote")]
    return tuple(span for piece in told for clause in piece.clauses() for span in _uncarried(piece, clause))


def _uncarried(piece: Sentence, clause: Span) -> list[Span]:
    start, end = clause
    said = "".join(c for c, at in zip(piece.prose, piece.offsets, strict=True) if start <= at < end)
    within = [one for one in piece.references if start <= one.start < end]
    names = {one.name for one in within}
    # A setting or a count carries what it counts, and no cause that is given beside it.
    if not names & RESULTS and (not names or _claims_more(said)):
        return [clause] if re.search(r"[^\W\d_]{2}", said.replace(PLACEHOLDER, "")) else []
    inner = piece.clauses(_BOUNDARY)
    first, last = within[0].start, within[-1].end
    led = [(start, b) for a, b in inner if start <= a and b <= first and _leads(piece, (start, b))][-1:]
    left = [(max(a, last), end) for a, b in inner if last <= a < end and b <= end][:1]
    return [span for span in led if _words_in(piece, span) > 3] + [span for span in left if _words_in(piece, span) > 2]


def _leads(piece: Sentence, span: Span) -> bool:
    """True for words that end in a colon, or concede or condition what comes after their comma."""
    words = piece.mask[span[0] - piece.start : span[1] - piece.start]
    return words.endswith(":") or bool(_CONCEDING.match(words))


def _words_in(piece: Sentence, span: Span) -> int:
    return len(re.findall(r"[^\W\d_]{2,}", piece.mask[span[0] - piece.start : span[1] - piece.start]))


def _claims_more(prose: str) -> bool:
    """Whether a sentence states a cause, an inference or a wide scope; a list of words, not exhaustive."""
    return any(pattern.search(prose) for pattern in (lists.CAUSE, lists.INFERENCE, lists.SCOPE))
