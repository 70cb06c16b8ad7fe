"""Stage `read`: the papers that the user put beside the idea, each summarised for planning and related work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import Field

from orchestrator import prompts
from orchestrator.literature import Paper, papers_in, read_paper
from orchestrator.records import Reading, Readings, Record
from orchestrator.study import Study, ask, json_block

SHOWN_CHARS = 24_000
SUMMARY_CHARS = 1500


class ReadAnswer(Record):
    """The form of the model's answer."""

    title: str = Field(min_length=5, max_length=300)
    summary: str = Field(min_length=40, max_length=SUMMARY_CHARS)


def read_literature(study: Study) -> Readings:
    """Return what the user's papers say; none where no folder was given. A PDF that can't be read is only named.

    Being read makes no paper citable: that takes a source.
    """

    def make() -> Readings:
        papers = [_text(path, study) for path in papers_in(study.literature)] if study.literature else []
        readable = [paper for paper in papers if not paper.refused]
        readings = [_summarised(f"paper_{number}", paper, study) for number, paper in enumerate(readable, start=1)]
        skipped = tuple(f"{paper.file}: {paper.refused}" for paper in papers if paper.refused)
        for reason in skipped:
            study.backends.screen.note(f"  not read: {reason}")
        return Readings(papers=tuple(readings), skipped=skipped)

    return study.workspace.journal.once("read", "", Readings, make)


def _text(path: Path, study: Study) -> Paper:
    study.backends.screen.stage("read", path.name)
    with tempfile.TemporaryDirectory(prefix="paper-") as scratch:
        return read_paper(path, Path(scratch), study.backends.executor)


def _summarised(step: str, paper: Paper, study: Study) -> Reading:
    prompt = prompts.render(
        "read", file=paper.file, text=paper.text[:SHOWN_CHARS], idea=study.idea.model_dump(), most=SUMMARY_CHARS
    )
    answer = ask(study, "read", step, prompt, lambda text: json_block(text, ReadAnswer))
    kept = f"literature/{step}.txt"
    study.workspace.write(kept, paper.text.encode("utf-8", errors="replace"))
    return Reading(
        file=paper.file,
        sha256=paper.sha256,
        pages=paper.pages,
        text=kept,
        title=" ".join(answer.title.split()),
        summary=" ".join(answer.summary.split()),
    )
