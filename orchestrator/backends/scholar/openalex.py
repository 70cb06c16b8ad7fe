"""OpenAlex by pyalex. The form of its works: https://docs.openalex.org/api-entities/works/work-object."""

from __future__ import annotations

import pyalex
import requests
from pydantic import BaseModel, TypeAdapter

from orchestrator.backends.scholar.courtesy import Line, Manners
from orchestrator.backends.scholar.reading import clean, people, question
from orchestrator.paper.identity import arxiv_id, doi
from orchestrator.records import IdKind, Source

NAME = "openalex"
OFFICIAL = "https://api.openalex.org"
# It allows ten requests a second.
INTERVAL_S = 0.15
KINDS = {"journal": "article", "conference": "inproceedings"}
FIELDS = (
    *("id", "doi", "display_name", "publication_year", "authorships", "primary_location", "locations"),
    "abstract_inverted_index",
)


class Author(BaseModel):
    """Somebody who wrote."""

    display_name: str | None = None


class Authorship(BaseModel):
    """An author of a work."""

    author: Author


class Venue(BaseModel):
    """Where a version appeared."""

    display_name: str | None = None
    type: str | None = None


class Location(BaseModel):
    """One place at which a work can be read."""

    landing_page_url: str | None = None
    source: Venue | None = None


class Work(BaseModel):
    """The part of a work that we read."""

    id: str
    doi: str | None = None
    display_name: str | None
    publication_year: int | None = None
    authorships: list[Authorship]
    primary_location: Location | None = None
    locations: list[Location] = []
    abstract_inverted_index: dict[str, list[int]] | None = None


class Works(pyalex.Works):  # type: ignore[misc]  # untyped
    """pyalex's own, over a session and an address that it has no setting for. Its name is part of the address."""

    def __init__(self, base_url: str, session: requests.Session) -> None:
        super().__init__()
        self._base_url = base_url
        self._session = session

    def _get_from_url(self, url: str, session: requests.Session | None = None) -> object:
        return super()._get_from_url(url.replace(OFFICIAL, self._base_url, 1), session or self._session)


class OpenAlex:
    """Implements `protocols.Scholar`."""

    name = NAME
    resolves: frozenset[IdKind] = frozenset({"doi"})

    def __init__(self, manners: Manners, key: str | None = None) -> None:
        """`key` is optional; pyalex keeps it and the address of who asks in its module, for all of its clients."""
        pyalex.config.email = manners.mailto or None
        pyalex.config.api_key = key
        pyalex.config.user_agent = manners.user_agent
        self._line = Line(NAME, INTERVAL_S, manners)
        self._base_url = manners.base_urls.get(NAME, OFFICIAL)
        self._session = manners.session()

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return works whose title, abstract or text has the words; see `protocols.Scholar`."""
        words = " ".join(question(query))
        if not words:
            return ()

        def ask() -> list[Work]:
            found = self._works().search(words).select(list(FIELDS)).get(per_page=limit)
            return TypeAdapter(list[Work]).validate_python(list(found))

        return tuple(_source(work) for work in self._line.ask(ask))

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the work with this DOI; an arXiv identifier is asked for by arXiv's DOI."""
        address = f"https://doi.org/{value if kind == 'doi' else f'10.48550/arXiv.{value}'}"
        work = self._line.find(lambda: Work.model_validate(self._works()[address]))
        return None if work is None else _source(work)

    def _works(self) -> Works:
        return Works(self._base_url, self._session)


def _source(work: Work) -> Source:
    places = [place for place in (work.primary_location, *work.locations) if place]
    venue = next((place.source for place in places if place.source), Venue())
    addresses = [work.doi, *(place.landing_page_url for place in places)]
    positions = [(at, word) for word, found in (work.abstract_inverted_index or {}).items() for at in found]
    return Source(
        id=f"{NAME}:{work.id.rpartition('/')[2]}",
        title=clean(work.display_name),
        authors=people([one.author.display_name for one in work.authorships]),
        year=work.publication_year,
        kind=KINDS.get(venue.type or "", "misc"),
        venue=clean(venue.display_name),
        doi=doi(work.doi or ""),
        arxiv=next(filter(None, (arxiv_id(address or "") for address in addresses)), ""),
        url=work.doi or work.id,
        abstract=clean(" ".join(word for _, word in sorted(positions))),
        reply=work.model_dump_json(exclude_none=True),
    )
