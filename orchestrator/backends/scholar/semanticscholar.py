"""Semantic Scholar by semanticscholar. The form of its papers: https://api.semanticscholar.org/api-docs/graph."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter
from semanticscholar import AsyncSemanticScholar
from semanticscholar.ApiRequester import ApiRequester

from orchestrator.backends.scholar.courtesy import Line, Manners
from orchestrator.backends.scholar.reading import clean, people, question
from orchestrator.paper.identity import arxiv_id, doi
from orchestrator.records import IdKind, Source

NAME = "semanticscholar"
# A key's own rate; without one all users share a pool.
INTERVAL_S = 1.1
KINDS = {"JournalArticle": "article", "Conference": "inproceedings"}
FIELDS = ["title", "authors", "year", "venue", "externalIds", "abstract", "url", "publicationTypes"]


class Author(BaseModel):
    """Somebody who wrote."""

    name: str | None = None


class Identifiers(BaseModel):
    """The identifiers that we read."""

    ArXiv: str = ""
    DOI: str = ""


class Paper(BaseModel):
    """The part of a paper that we read."""

    paperId: str  # noqa: N815
    title: str | None
    authors: list[Author]
    year: int | None = None
    venue: str | None = None
    externalIds: Identifiers | None = None  # noqa: N815
    abstract: str | None = None
    url: str | None = None
    publicationTypes: list[str] | None = None  # noqa: N815


class Requester(ApiRequester):  # type: ignore[misc]  # untyped
    """The library's requests without its silence: it takes most failures of the service for an empty answer."""

    def __init__(self, manners: Manners) -> None:
        super().__init__(manners.try_s, retry=False)
        self._user_agent = manners.user_agent

    async def get_data_async(
        self, url: str, parameters: str, headers: dict[str, str], payload: dict[str, object] | None = None
    ) -> dict[str, object]:
        """Return the answer's JSON; raises httpx.HTTPError, and ValueError where it is neither paper nor list."""
        headers = {**headers, "User-Agent": self._user_agent}
        async with httpx.AsyncClient(timeout=self.timeout, follow_redirects=True) as client:
            answer = await client.request(
                "POST" if payload else "GET", f"{url}?{parameters.lstrip('&')}", headers=headers, json=payload
            )
        answer.raise_for_status()
        data: dict[str, object] = answer.json()
        if "paperId" not in data and "data" not in data and data.get("total") != 0:
            raise ValueError("neither a paper nor a list of papers")
        return data


class SemanticScholar:
    """Implements `protocols.Scholar`."""

    name = NAME
    resolves: frozenset[IdKind] = frozenset({"arxiv", "doi"})

    def __init__(self, manners: Manners, key: str | None = None) -> None:
        """`key` is optional, and gives a rate of one's own."""
        self._library = AsyncSemanticScholar(api_key=key, api_url=manners.base_urls.get(NAME), retry=False)
        self._library._requester = Requester(manners)
        self._line = Line(NAME, INTERVAL_S, manners)

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return papers for the words; see `protocols.Scholar`."""
        # The library puts the query into the address as it is; and the service finds nothing for a hyphen.
        words = quote(" ".join(question(query)).replace("-", " "), safe="")
        if not words:
            return ()

        def ask() -> list[Paper]:
            found = asyncio.run(self._library.search_paper(words, fields=FIELDS, limit=limit))
            return TypeAdapter(list[Paper]).validate_python([paper.raw_data for paper in found.items])

        return tuple(_source(paper) for paper in self._line.ask(ask))

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the paper with this identifier."""
        name = f"{'DOI' if kind == 'doi' else 'ARXIV'}:{quote(value, safe='/')}"
        paper = self._line.find(
            lambda: Paper.model_validate(asyncio.run(self._library.get_paper(name, fields=FIELDS)).raw_data)
        )
        return None if paper is None else _source(paper)


def _source(paper: Paper) -> Source:
    known = paper.externalIds or Identifiers()
    return Source(
        id=f"{NAME}:{paper.paperId}",
        title=clean(paper.title),
        authors=people([author.name for author in paper.authors]),
        year=paper.year,
        kind=next((KINDS[name] for name in paper.publicationTypes or () if name in KINDS), "misc"),
        venue=clean(paper.venue),
        doi=doi(known.DOI),
        arxiv=arxiv_id(known.ArXiv),
        url=paper.url or "",
        abstract=clean(paper.abstract),
        reply=paper.model_dump_json(exclude_none=True),
    )
