"""Crossref by habanero. The form of its works: https://api.crossref.org/swagger-ui/index.html."""

from __future__ import annotations

from urllib.parse import quote

import habanero
from habanero.exceptions import RequestError
from pydantic import BaseModel, Field, TypeAdapter

from orchestrator.backends.scholar.courtesy import Line, Manners
from orchestrator.backends.scholar.reading import clean, people, question
from orchestrator.paper.identity import arxiv_id, doi
from orchestrator.records import IdKind, Source

NAME = "crossref"
OFFICIAL = "https://api.crossref.org"
# Searches: one a second for everybody, three for those who say who they are.
INTERVAL_S = 1.0
POLITE_INTERVAL_S = 0.35
KINDS = {"journal-article": "article", "proceedings-article": "inproceedings"}


class Author(BaseModel):
    """A person, or an organisation by `name`."""

    given: str = ""
    family: str = ""
    name: str = ""

    @property
    def written(self) -> str:
        """The name as BibTeX takes it."""
        if not self.family:
            return f"{{{self.name}}}" if self.name else self.given
        return ", ".join(filter(None, (self.family, self.given)))


class Issued(BaseModel):
    """The earliest date of a work, in parts: [[year, month, day]]."""

    parts: list[list[int | None]] = Field(default=[], alias="date-parts")

    @property
    def year(self) -> int | None:
        """The year, where it is known."""
        return self.parts[0][0] if self.parts and self.parts[0] else None


class Work(BaseModel):
    """The part of a work that we read."""

    DOI: str
    title: list[str] = []
    subtitle: list[str] = []
    original_title: list[str] = Field(default=[], alias="original-title")
    short_title: list[str] = Field(default=[], alias="short-title")
    author: list[Author] = []
    issued: Issued = Field(default=Issued())
    type: str = ""
    container_title: list[str] = Field(default=[], alias="container-title")
    abstract: str = ""
    URL: str = ""


class Crossref:
    """Implements `protocols.Scholar`."""

    name = NAME
    resolves: frozenset[IdKind] = frozenset({"doi"})

    def __init__(self, manners: Manners) -> None:
        self._library = habanero.Crossref(
            base_url=manners.base_urls.get(NAME, OFFICIAL),
            mailto=manners.mailto or None,
            ua_string=manners.user_agent,
            timeout=manners.try_s,
        )
        interval_s = POLITE_INTERVAL_S if manners.mailto else INTERVAL_S
        # habanero wraps what httpx raises in a RuntimeError.
        self._line = Line(NAME, interval_s, manners, also=(RequestError, RuntimeError))

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return works whose bibliographic data have the words; see `protocols.Scholar`."""
        words = " ".join(question(query))
        if not words:
            return ()

        def ask() -> list[Work]:
            answer = self._library.works(query_bibliographic=words, limit=limit)
            return TypeAdapter(list[Work]).validate_python(answer["message"]["items"])

        return tuple(_source(work) for work in self._line.ask(ask))

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the work with this DOI. arXiv registers elsewhere, so there is no answer for its identifiers."""
        if kind != "doi":
            return None
        address = quote(value, safe="/")
        work = self._line.find(lambda: Work.model_validate(self._library.works(ids=address)["message"]))
        return None if work is None else _source(work)


def _source(work: Work) -> Source:
    title, *others = [clean(title) for title in (*work.title, *work.original_title, *work.short_title)] or [""]
    whole = [f"{title}: {clean(subtitle)}" for subtitle in work.subtitle]
    return Source(
        id=f"{NAME}:{work.DOI.lower()}",
        title=title,
        other_titles=tuple(dict.fromkeys(filter(None, (*whole, *others)))),
        authors=_names(work),
        year=work.issued.year,
        kind=KINDS.get(work.type, "misc"),
        venue=clean(work.container_title[0] if work.container_title else ""),
        doi=doi(work.DOI),
        arxiv=arxiv_id(work.DOI),
        url=work.URL,
        abstract=clean(work.abstract),
        reply=work.model_dump_json(by_alias=True, exclude_defaults=True),
    )


def _names(work: Work) -> tuple[str, ...]:
    """Return the authors; an organisation keeps the braces that make it one name."""
    return tuple(
        f"{{{name}}}" if author.written.startswith("{") else name
        for author in work.author
        for name in people([author.written])
    )
