"""A real HTTP server on loopback with the four services' answers in their documented forms, and their misbehaviour.

The works are real; the answers were written for these tests after the services' documentation.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from orchestrator.backends.scholar.courtesy import Manners

SPARSE = {
    "title": "Sparse Autoencoders Find Highly Interpretable Features in Language Models",
    "people": [
        ("Hoagy", "Cunningham"),
        ("Aidan", "Ewart"),
        ("Logan", "Riggs"),
        ("Robert", "Huben"),
        ("Lee", "Sharkey"),
    ],
    "year": 2023,
    "arxiv": "2309.08600",
}
BIAS = {
    "title": "Bias in Bios",
    "subtitle": "A Case Study of Semantic Representation Bias in a High-Stakes Setting",
    "people": [("Maria", "De-Arteaga"), ("Alexey", "Romanov")],
    "year": 2019,
    "doi": "10.1145/3287560.3287572",
    "venue": "Proceedings of the Conference on Fairness, Accountability, and Transparency",
}
LINEAR = {
    "title": "Not All Language Model Features Are One-Dimensionally Linear",
    "people": [("Joshua", "Engels"), ("Eric J.", "Michaud"), ("Isaac", "Liao"), ("Wes", "Gurnee"), ("Max", "Tegmark")],
    "year": 2024,
    "arxiv": "2405.14860",
}
NAMELESS = {"title": "Language Models and Features of Nobody", "people": [], "year": 2026, "doi": "10.1000/nobody.1"}
WORKS = (SPARSE, BIAS, LINEAR, NAMELESS)


def openalex_work(work):
    doi = work.get("doi") or f"10.48550/arxiv.{work['arxiv']}"
    page = f"http://arxiv.org/abs/{work['arxiv']}" if "arxiv" in work else f"https://doi.org/{doi}"
    venue = {"display_name": work.get("venue", "arXiv (Cornell University)"), "type": "repository"}
    return {
        "id": f"https://openalex.org/W{WORKS.index(work) + 4386839891}",
        "doi": f"https://doi.org/{doi}",
        "display_name": work["title"],
        "publication_year": work["year"],
        "authorships": [
            {
                "author_position": "middle",
                "author": {"id": "https://openalex.org/A1", "display_name": f"{given} {name}"},
            }
            for given, name in work["people"]
        ],
        "primary_location": {"is_oa": True, "landing_page_url": page, "source": venue},
        "locations": [{"landing_page_url": page, "source": None}],
        "abstract_inverted_index": {"roadblocks": [1], "One": [0]},
    }


def semantic_paper(work):
    return {
        "paperId": f"{WORKS.index(work):040x}",
        "title": work["title"],
        "authors": [{"authorId": "1", "name": f"{given} {name}"} for given, name in work["people"]],
        "year": work["year"],
        "venue": work.get("venue", "arXiv.org"),
        "externalIds": {
            "CorpusId": 1,
            **{k: v for k, v in (("ArXiv", work.get("arxiv")), ("DOI", work.get("doi"))) if v},
        },
        "abstract": None,
        "url": "https://www.semanticscholar.org/paper/0",
        "publicationTypes": ["JournalArticle"],
    }


def crossref_work(work):
    return {
        "DOI": work["doi"],
        "type": "proceedings-article",
        "title": [work["title"]],
        "subtitle": [work["subtitle"]] if "subtitle" in work else [],
        "author": [
            {"given": given, "family": name, "sequence": "additional", "affiliation": []}
            for given, name in work["people"]
        ],
        "issued": {"date-parts": [[work["year"], 1, 29]]},
        "container-title": [work.get("venue", "Somewhere")],
        "publisher": "ACM",
        "abstract": "<jats:p>A large-scale study of <jats:italic>gender</jats:italic> bias &amp; more.</jats:p>",
        "URL": f"https://doi.org/{work['doi']}",
    }


def atom_feed(works):
    entries = "".join(
        f"""<entry><id>http://arxiv.org/abs/{work["arxiv"]}v3</id><updated>2024-10-04T00:00:00Z</updated>
        <published>{work["year"]}-09-15T17:56:55Z</published><title>{work["title"]}</title><summary>One of the
        roadblocks.</summary>{"".join(f"<author><name>{g} {f}</name></author>" for g, f in work["people"])}
        <link href="http://arxiv.org/abs/{work["arxiv"]}v3" rel="alternate" type="text/html"/></entry>"""
        for work in works
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{len(works)}</opensearch:totalResults>{entries}</feed>"
    )


def found(words, works):
    """The works whose titles hold most of the words."""
    wanted = set(words.casefold().replace(":", " ").split())
    titles = {id(work): set(f"{work['title']} {work.get('subtitle', '')}".casefold().split()) for work in works}
    return [work for work in works if len(wanted & titles[id(work)]) * 2 >= len(wanted)]


def answer(path, query):
    """Return (status, content type, text) as the service would that has this address."""
    if path.startswith("/openalex/works/"):
        wanted = path.lower().removeprefix("/openalex/works/https://doi.org/")
        hits = [openalex_work(w) for w in WORKS if openalex_work(w)["doi"].lower().endswith(wanted)]
        return (200, "json", hits[0]) if hits else (404, "html", "<!doctype html><title>404 Not Found</title>")
    if path == "/openalex/works":
        works = [openalex_work(work) for work in found(query["search"][0], WORKS)]
        return 200, "json", {"meta": {"count": len(works), "page": 1, "per_page": 5}, "results": works}
    if path == "/semanticscholar/graph/v1/paper/search":
        papers = [semantic_paper(work) for work in found(query["query"][0], WORKS)]
        return 200, "json", {"total": len(papers), "offset": 0, "data": papers} if papers else {"total": 0, "offset": 0}
    if path.startswith("/semanticscholar/graph/v1/paper/"):
        wanted = path.removeprefix("/semanticscholar/graph/v1/paper/").partition(":")[2]
        hits = [semantic_paper(work) for work in WORKS if wanted in {work.get("arxiv"), work.get("doi")}]
        return (200, "json", hits[0]) if hits else (404, "json", {"error": f"Paper with id {wanted} not found"})
    if path == "/crossref/works":
        works = [crossref_work(w) for w in found(query["query.bibliographic"][0], [w for w in WORKS if "doi" in w])]
        message = {"total-results": len(works), "items-per-page": 5, "items": works}
        return 200, "json", {"status": "ok", "message-type": "work-list", "message": message}
    if path.startswith("/crossref/works/"):
        hits = [crossref_work(work) for work in WORKS if work.get("doi") == path.removeprefix("/crossref/works/")]
        ok = {"status": "ok", "message-type": "work", "message": hits[0] if hits else None}
        return (200, "json", ok) if hits else (404, "plain", "Resource not found.")
    preprints = [work for work in WORKS if "arxiv" in work]
    words = query.get("search_query", [""])[0].replace("all:", "").replace(" AND ", " ").replace('"', "")
    listed = query.get("id_list", [""])[0].split(",")
    hits = found(words, preprints) if words else [work for work in preprints if work["arxiv"] in listed]
    return 200, "atom", atom_feed(hits)


@dataclass
class Services:
    """What the server was asked, and the misbehaviour that it still owes: functions of the handler, in turn."""

    address: str = ""
    asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)
    faults: list = field(default_factory=list)

    def manners(self, **fields):
        urls = {name: f"{self.address}/{name}" for name in ("openalex", "semanticscholar", "crossref", "arxiv")}
        return Manners(base_urls=urls, **{"pace": 0.0, "wait_s": 0.01, "total_s": 5.0, "try_s": 5.0, **fields})

    @property
    def variables(self):
        names = ("openalex", "semanticscholar", "crossref", "arxiv")
        return {f"GROUNDWORK_{name.upper()}_URL": f"{self.address}/{name}" for name in names}


@contextmanager
def served():
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            parts = urlsplit(self.path)
            path, query = unquote(parts.path), parse_qs(parts.query)
            services.asked.append((path, query, dict(self.headers)))
            if services.faults:
                services.faults.pop(0)(self)
                return
            status, form, body = answer(path, query)
            self.reply(status, body if isinstance(body, str) else json.dumps(body), form)

        def reply(self, status, text, form="json", headers=()):
            self.send_response(status)
            types = {
                "json": "application/json",
                "atom": "application/atom+xml",
                "html": "text/html",
                "plain": "text/plain",
            }
            self.send_header("Content-Type", types[form])
            self.send_header("Content-Length", str(len(text.encode())))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    services.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield services
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
