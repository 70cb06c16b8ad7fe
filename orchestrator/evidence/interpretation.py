"""Which of a writer's words the evidence does not answer for: they are set so that a reader sees it. Pure.

In abstract, results and conclusion a clause stands upright only where a reference carries it and its other words are
names of the evidence or of a short list: nothing has to be found out about the words that are not. Whoever writes "the
new run at 0.02 is in a league of its own" has the whole clause set apart, without a list of ways to praise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.sentences import Sentence
from orchestrator.evidence.syntax import PLACEHOLDER
from orchestrator.records import Evidence

INTERPRETED = frozenset({"abstract", "results", "conclusion"})
RESULTS = frozenset({"result", "measured", "change", "finding", "outcome", "detectable"})
_BOUNDARY = r"[,:;]|---?|[–—]|(?=\()"
_WORD = re.compile(r"[^\W_]+=\d+(?:\.\d+)?|\d+\.\d+|[^\W_]+(?:['’][a-z]+)?")
# Words that report, point and join, and praise nothing: none of them says more than the reference beside it.
_PLAIN = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been between both but by could for from had has have here in is it its itself not
        of on or other our over respectively so that the their them there these they this those to under was we
        were when where which with within
        abstract appendix arm arms attempt attempts average baseline compared comparison comparisons condition
        conditions control controls curve detect detectable difference differences each experiment experiments
        exploratory figure find finds first found give given gives hypotheses hypothesis interval intervals last
        line lines lies mean means measured measurement measurements metric metrics outcome outcomes own paper
        part per planned point points reached reaches read reads recorded rejected reported reports result
        results row rows run runs second section seed seeds setting settings show shown shows stand stands
        statement step steps study table test tested tests third trained training trainings treatment used uses
        value values all every""",
    )
)

Span = tuple[int, int]


def interpreted(name: str, pieces: tuple[Sentence, ...], evidence: Evidence) -> tuple[Span, ...]:
    """Return the clauses of a section that the evidence does not answer for; a formula by itself is none."""
    told = [piece for piece in pieces if name in INTERPRETED and piece.kind != "block"]
    known = _PLAIN | _names(evidence) if told else frozenset()
    return tuple(span for piece in told for span in _joined(_apart(piece, known)))


def _apart(piece: Sentence, known: frozenset[str]) -> Iterator[Span]:
    if piece.kind == "heading" and _answered(piece, (piece.start, piece.end), known):
        return
    for clause in piece.clauses():
        if not _within(piece, clause):
            yield from [clause] if re.search(r"[^\W\d_]{2}", _said(piece, clause).replace(PLACEHOLDER, "")) else []
            continue
        for span in piece.clauses(_BOUNDARY):
            if clause[0] <= span[0] and span[1] <= clause[1] and not _answered(piece, span, known):
                yield span


def _answered(piece: Sentence, span: Span, known: frozenset[str]) -> bool:
    """True where every word is known, and every placeholder a reference; "H2 is \\outcome{H2}", "over all seeds"."""
    said = _said(piece, span)
    # Formulas and citations leave a placeholder, too: "momentum $\\succ$ control" says something.
    if said.count(PLACEHOLDER) > len(_within(piece, span)):
        return False
    return all(word.removesuffix("'s").removesuffix("’s") in known for word in _WORD.findall(said.lower()))


def _within(piece: Sentence, span: Span) -> list[int]:
    return [one.start for one in piece.references if span[0] <= one.start < span[1]]


def _said(piece: Sentence, span: Span) -> str:
    return "".join(c for c, at in zip(piece.prose, piece.offsets, strict=True) if span[0] <= at < span[1])


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Yield spans with those that touch, but for blanks between them, as one."""
    last: Span | None = None
    for start, end in spans:
        if last is not None and start - last[1] <= 1:
            last = (last[0], end)
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last


def _names(evidence: Evidence) -> frozenset[str]:
    """Return the words that name runs, conditions, metrics, settings and hypotheses; an integer by itself is none."""
    texts = [*evidence.runs, *evidence.runs.values(), *(one.id for one in evidence.hypotheses)]
    texts += [text for one in evidence.metrics for text in (one.name, one.words, one.unit or "")]
    for conditions in evidence.settings.values():
        for condition, settings in conditions.items():
            texts += [condition, *settings, *(value for value in settings.values() if isinstance(value, str))]
    texts += [entry.metric for entry in evidence.entries]
    words = (word for text in texts for word in _WORD.findall(text.lower().replace("_", " ")))
    return frozenset(word for word in words if not word.isdigit())
