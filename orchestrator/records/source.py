"""Works that a paper can cite, as their sources describe them."""

from __future__ import annotations

import hashlib
from typing import Literal, Self

from pydantic import Field, model_validator

from orchestrator.records.base import Record

IdKind = Literal["doi", "arxiv"]


class Source(Record):
    """A work as one source describes it. What that source doesn't say is empty, never guessed.

    `id` is `service:its own id`; `authors` are names as BibTeX takes them; `doi` has no host and `arxiv` no version,
    both in lower case; `other_titles` are those under which the source knows the work too. `reply` is the part of the
    source's answer that the fields were read from.
    """

    id: str = Field(pattern=r"^[a-z]+:\S+$")
    title: str
    other_titles: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    year: int | None = None
    kind: Literal["article", "inproceedings", "misc"] = "misc"
    venue: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""
    abstract: str = ""
    reply: str = Field(default="", repr=False)

    @property
    def citable(self) -> bool:
        """True where author, title and year are known: without them nobody can find the work again."""
        return bool(self.authors and self.title and self.year)

    @property
    def ids(self) -> dict[IdKind, str]:
        """The identifiers that are known, by kind."""
        known: dict[IdKind, str] = {"arxiv": self.arxiv, "doi": self.doi}
        return {kind: value for kind, value in known.items() if value}


class FrozenSource(Record):
    """An entry of the bibliography and where it comes from, kept as it was when it was taken.

    `source` is the source's id, `reply` its answer and `sha256` the hash of that; `retrieved` is a date, `entry` the
    BibTeX made of the answer.
    """

    key: str
    source: str
    url: str = ""
    retrieved: str
    reply: str
    sha256: str
    entry: str

    @model_validator(mode="after")
    def _unchanged(self) -> Self:
        if hashlib.sha256(self.reply.encode()).hexdigest() != self.sha256:
            raise ValueError(f"the reply of {self.source} is not the one that was frozen")
        return self


class Reading(Record):
    """A paper of the user's: its file's name and hash, its text in the idea folder, and a model's summary of that.

    `pages` counts those that were read.
    """

    file: str
    sha256: str
    pages: int
    text: str
    title: str
    summary: str


class Readings(Record):
    """The papers that were read, and those that were not, each with the reason."""

    papers: tuple[Reading, ...] = ()
    skipped: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return a paragraph for each paper, for a prompt; '' where there is none."""
        return "\n\n".join(f"{paper.title} ({paper.file}): {paper.summary}" for paper in self.papers)
