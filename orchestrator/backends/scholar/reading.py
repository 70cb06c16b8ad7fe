"""What the services' answers have in common: texts with markup in them, names, and questions in plain words."""

from __future__ import annotations

import html
import re

from orchestrator.paper.identity import STOPWORDS

MAX_CHARS = 4000
QUERY_WORDS = 24
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def clean(text: str | None) -> str:
    """Return a text of a service on one line, without markup (HTML, JATS, MathML) and control characters."""
    bare = _TAG.sub("", html.unescape(text or ""))
    return " ".join("".join(c if c.isprintable() else " " for c in bare).split())[:MAX_CHARS]


def person(name: str | None) -> str:
    """Return a name as BibTeX takes one; '' where there is none. What can't be one person stays whole, in braces."""
    bare = " ".join(re.sub(r"[{}\\%$#~^]", "", clean(name)).split())
    return f"{{{bare}}}" if bare.count(",") > 1 or re.search(r"\band\b", bare) else bare


def people(names: list[str | None]) -> tuple[str, ...]:
    """Return the names that are there, in their order."""
    return tuple(filter(None, map(person, names)))


def question(query: str) -> list[str]:
    """Return the words of a query: no punctuation that a service would take for its own syntax, no stop words."""
    found = re.findall(r"[^\W_]+(?:['\u2019-][^\W_]+)*", query)
    return [word for word in found if word.casefold() not in STOPWORDS][:QUERY_WORDS]
