"""Stage `review`: a reviewer reads the PDF's text beside the evidence, in the form that NeurIPS asks of its reviewers.

The form is that of the NeurIPS 2024 guidelines (https://neurips.cc/Conferences/2024/ReviewerGuidelines). A review is
advice for a person: it changes no result, and a session that was written in advance gives no scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from orchestrator import prompts
from orchestrator.errors import GroundworkError
from orchestrator.evidence.references import describe
from orchestrator.records import Evidence, Record
from orchestrator.study import AnswerRefused, Study, ask, json_block

FILE = "review.json"
MAX_CHARACTERS = 120_000
MAX_PAGES = 60

Text = Annotated[str, Field(min_length=1, max_length=4000)]
Items = Annotated[tuple[Text, ...], Field(min_length=1, max_length=12)]


class Scores(Record):
    """What the form asks for in numbers: four grades of 1 (poor) to 4, an overall score, and how sure it is."""

    soundness: int = Field(ge=1, le=4)
    presentation: int = Field(ge=1, le=4)
    contribution: int = Field(ge=1, le=4)
    overall: int = Field(ge=1, le=10)
    confidence: int = Field(ge=1, le=5)


class Review(Record):
    """A review; `scores` and `decision` are absent where it was written before the experiments were run."""

    summary: Text
    strengths: Items
    weaknesses: Items
    questions: Items
    limitations: Text
    ethical_concerns: bool
    scores: Scores | None = None
    decision: Literal["accept", "reject"] | None = None


class Reviewed(Record):
    """`review.json`: the review, who gave it, and what it could know. Empty `review`: there was no PDF to read."""

    note: str
    review: Review | None


def review_paper(pdf: str, evidence: Evidence, study: Study) -> Reviewed:
    """Return the review of a compiled paper; without a PDF (no TeX here) there is none, and the note says so."""

    def make() -> Reviewed:
        study.backends.screen.stage("review")
        prompt = prompts.render(
            "review",
            paper=pdf_text(study.workspace.path("paper.pdf")),
            evidence=describe(evidence),
            scripted=study.scripted,
        )
        review = ask(study, "review", "", prompt, lambda text: _parse(text, scripted=study.scripted))
        note = "A model's opinion of the paper, given its text and the evidence. It changed no result."
        if study.scripted:
            note = "Written in advance, before the experiments were run; it gives no scores and judges no result."
        return Reviewed(note=note, review=review)

    if pdf:
        reviewed = study.workspace.journal.once("review", "", Reviewed, make)
    else:
        # Not in the journal: once TeX is installed, `resume` makes the PDF, and it is reviewed.
        reviewed = Reviewed(note="There is no PDF, so nothing was reviewed.", review=None)
    study.workspace.write(FILE, reviewed.model_dump_json(indent=1) + "\n")
    return reviewed


def pdf_text(path: Path) -> str:
    """Return the text of the first MAX_PAGES pages, cut at MAX_CHARACTERS; GroundworkError for a broken PDF."""
    try:
        pages = [page.extract_text() for page in PdfReader(path).pages[:MAX_PAGES]]
    except (PyPdfError, OSError, ValueError) as error:
        raise GroundworkError(f"{path}: cannot be read as a PDF: {error}") from error
    return "\n\n".join(pages)[:MAX_CHARACTERS]


def _parse(text: str, *, scripted: bool) -> Review:
    review = json_block(text, Review)
    scored = review.scores is not None and review.decision is not None
    if scripted and (review.scores is not None or review.decision is not None):
        raise AnswerRefused("Answers written in advance know no result: leave out `scores` and `decision`.")
    if not scripted and not scored:
        raise AnswerRefused("The form asks for `scores` and `decision`.")
    return review
