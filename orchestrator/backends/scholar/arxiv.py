"""arXiv by arxiv. The form of its feed: https://info.arxiv.org/help/api/user-manual.html."""

from __future__ import annotations

import json

import arxiv
import requests

from orchestrator.backends.scholar.courtesy import Line, Manners
from orchestrator.backends.scholar.reading import clean, people, question
from orchestrator.paper.identity import arxiv_id, doi
from orchestrator.records import IdKind, Source

NAME = "arxiv"
OFFICIAL = "https://export.arxiv.org"
# Its terms of use ask for no more than one request in three seconds.
INTERVAL_S = 3.1
ATOM = b"http://www.w3.org/2005/Atom"
FAILED = "api/errors"


class Arxiv:
    """Implements `protocols.Scholar`."""

    name = NAME
    resolves: frozenset[IdKind] = frozenset({"arxiv"})

    def __init__(self, manners: Manners) -> None:
        self._library = arxiv.Client(delay_seconds=0, num_retries=0)
        self._library.query_url_format = f"{manners.base_urls.get(NAME, OFFICIAL)}/api/query?{{}}"
        self._library._session = manners.session()
        self._library._session.hooks["response"] = _must_be_a_feed
        self._line = Line(NAME, INTERVAL_S, manners, also=(arxiv.ArxivError,))

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return preprints that have all the words; see `protocols.Scholar`."""
        words = " AND ".join(f'all:"{word}"' for word in question(query))
        return self._results(arxiv.Search(query=words, max_results=limit)) if words else ()

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the preprint with this identifier. It can't be asked for a DOI."""
        if kind != "arxiv":
            return None
        return next(iter(self._results(arxiv.Search(id_list=[value], max_results=1))), None)

    def _results(self, search: arxiv.Search) -> tuple[Source, ...]:
        self._library.page_size = search.max_results
        return self._line.ask(lambda: tuple(map(_source, self._library.results(search))))


def _must_be_a_feed(response: requests.Response, *_: object, **__: object) -> None:
    """The library reads anything as an empty feed."""
    if response.ok and not response.is_redirect and ATOM not in response.content[:2000]:
        raise ValueError("no Atom feed")


def _source(result: arxiv.Result) -> Source:
    identifier = arxiv_id(result.entry_id)
    if FAILED in result.entry_id or not identifier:
        raise ValueError(f"an error in place of a work: {clean(result.summary)}")
    reply = {
        "id": result.entry_id,
        "title": result.title,
        "authors": [author.name for author in result.authors],
        "published": result.published.isoformat(),
        "summary": result.summary,
        "journal_ref": result.journal_ref,
        "doi": result.doi,
    }
    return Source(
        id=f"{NAME}:{identifier}",
        title=clean(result.title),
        authors=people([author.name for author in result.authors]),
        year=result.published.year,
        kind="misc",
        venue=f"arXiv preprint arXiv:{identifier}",
        doi=doi(result.doi or ""),
        arxiv=identifier,
        url=f"https://arxiv.org/abs/{identifier}",
        abstract=clean(result.summary),
        reply=json.dumps(reply, ensure_ascii=False),
    )
