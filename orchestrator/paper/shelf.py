"""A library on the shelf: a source of citations that needs no network, searched by a full-text index."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from orchestrator.paper.identity import STOPWORDS, words
from orchestrator.records import IdKind, Source

# Column weights of bm25: a word of the title says more than one of an abstract.
WEIGHTS = "0.0, 8.0, 4.0, 1.0"


class Shelf:
    """Implements `protocols.Scholar` over sources at hand, with SQLite's FTS5 in memory (bm25, English stems).

    A library's works carry their arXiv identifier where they have one, so it resolves those; a missing DOI in it is
    only unconfirmed.
    """

    name = "library"
    resolves: frozenset[IdKind] = frozenset({"arxiv"})

    def __init__(self, sources: Mapping[str, Source]) -> None:
        """Index `sources`, which are given by key."""
        self._sources = dict(sources)
        self._index = sqlite3.connect(":memory:")
        self._index.execute(
            "CREATE VIRTUAL TABLE works USING fts5(key UNINDEXED, title, authors, rest, tokenize='porter unicode61')"
        )
        rows = [
            (key, words(one.title), words(" ".join(one.authors)), words(f"{one.venue} {one.abstract}"))
            for key, one in self._sources.items()
        ]
        self._index.executemany("INSERT INTO works VALUES (?, ?, ?, ?)", rows)

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return at most `limit` works that hold any word of `query`, best first; a tie goes by key."""
        wanted = [word for word in words(query).split() if word not in STOPWORDS]
        if not wanted:
            return ()
        # Each word is quoted, so that none is read as the index's own syntax.
        match = " OR ".join(f'"{word}"' for word in wanted)
        found = self._index.execute(
            f"SELECT key FROM works WHERE works MATCH ? ORDER BY bm25(works, {WEIGHTS}), key LIMIT ?",  # noqa: S608
            (match, limit),
        )
        return tuple(self._sources[key] for (key,) in found)

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the work that carries this identifier, None where none does."""
        return next((source for source in self._sources.values() if source.ids.get(kind) == value), None)
