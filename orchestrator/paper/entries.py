"""From a source to an entry of the bibliography: a key of ours, every field the source's own. Pure text."""

from __future__ import annotations

import re
from collections.abc import Collection

from pylatexenc.latexencode import UnicodeToLatexEncoder

from orchestrator.paper.identity import STOPWORDS, doi, family, words
from orchestrator.records import Source

GIST_CHARS = 400
VENUE_FIELD = {"article": "journal", "inproceedings": "booktitle", "misc": "howpublished"}
# What a source says is text: each character that TeX would obey is escaped, and one that it can't set is replaced.
_ENCODER = UnicodeToLatexEncoder(
    replacement_latex_protection="braces-all", unknown_char_policy="replace", unknown_char_warning=False
)
_URL = re.compile(r"https?://[A-Za-z0-9.:/_~?&=+;,@!()'*-]+")


def key_of(source: Source, taken: Collection[str]) -> str:
    """Return `author2026word`, with a letter behind it where that key is taken."""
    first = next((word for word in words(source.title).split() if word.isalpha() and word not in STOPWORDS), "")
    stem = re.sub(r"[^a-z0-9]", "", f"{family(source.authors[0])}{source.year}{first}") or "source"
    return next(key for key in (stem, *(f"{stem}{letter}" for letter in _letters())) if key not in taken)


def entry_of(key: str, source: Source) -> str:
    """Return the BibTeX of a citable source. Field order is fixed, an unknown field is left out."""
    fields = {
        "author": " and ".join(map(_name, source.authors)),
        # The second pair of braces keeps names and acronyms from being lowercased by a style.
        "title": "{" + escape(source.title) + "}",
        VENUE_FIELD[source.kind]: escape(source.venue),
        "year": str(source.year),
        "doi": doi(source.doi),
        "eprint": source.arxiv,
        "archiveprefix": "arXiv" if source.arxiv else "",
        "url": source.url if _URL.fullmatch(source.url) else "",
        "annote": escape(_cut(source.abstract)),
    }
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@{source.kind}{{{key},", *lines, "}", ""])


def escape(text: str) -> str:
    """Return plain text as LaTeX in ASCII that prints it."""
    encoded: str = _ENCODER.unicode_to_latex(" ".join(text.split()))
    # BibTeX counts an escaped brace like any other, and would end the field at it.
    return encoded.replace(r"{\{}", r"{\textbraceleft}").replace(r"{\}}", r"{\textbraceright}")


def _name(name: str) -> str:
    whole = name.startswith("{") and name.endswith("}")
    return f"{{{escape(name[1:-1])}}}" if whole else escape(name)


def _cut(text: str) -> str:
    return text if len(text) <= GIST_CHARS else text[:GIST_CHARS].rpartition(" ")[0] + " ..."


def _letters() -> Collection[str]:
    alphabet = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    return [*alphabet, *(first + second for first in alphabet for second in alphabet)]
