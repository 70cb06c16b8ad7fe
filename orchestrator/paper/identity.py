"""When two descriptions are of the same work: titles, names and identifiers in one spelling. Pure text."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from pybtex.database import InvalidNameString, Person
from pylatexenc.latex2text import LatexNodes2Text

from orchestrator.records import Source

# Two spellings of one title ("multilevel", "multi-level", a typing error) are this alike; two titles of one group of
# authors are not.
SAME = 0.95
NEAR = 0.8
# "Deep Learning" alone says nothing: a title before its colon is a name for the work from three words on.
MAIN_TITLE_WORDS = 3
STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "do",
        "does",
        "for",
        "from",
        "in",
        "is",
        "it",
        "its",
        "not",
        "of",
        "on",
        "or",
        "the",
        "to",
        "via",
        "with",
    ]
)
_ARXIV = re.compile(
    r"(?:^|arxiv[:./\s]\s*|/abs/|/pdf/)([0-9]{4}\.[0-9]{4,5}|[a-z-]+(?:\.[a-z]{2})?/[0-9]{7})(?:v[0-9]+)?(?![0-9])",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"{}\\|^~`%#]+", re.IGNORECASE)
_ARXIV_DOI = "10.48550/"


def arxiv_id(text: str) -> str:
    """Return the arXiv identifier in `text` (bare, or in `arXiv:`, a URL or a DOI) without its version, else ''."""
    found = _ARXIV.search(text.strip())
    return found[1].lower() if found else ""


def doi(text: str) -> str:
    """Return the DOI in `text` in lower case, else ''. arXiv's own DOIs are none: `arxiv_id` reads them."""
    found = _DOI.search(text.strip())
    plain = found[0].rstrip(".,;").lower() if found else ""
    return "" if plain.startswith(_ARXIV_DOI) else plain


def plain(text: str) -> str:
    """Return LaTeX as the characters that it prints, on one line."""
    decoded = LatexNodes2Text(keep_comments=True).latex_to_text(text) if set(text) & set("\\{}$~%") else text
    return " ".join(decoded.split())


def words(text: str) -> str:
    """Return the words of a text in lower case without accents and punctuation, with a space between."""
    decomposed = unicodedata.normalize("NFKD", plain(text).casefold())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", letters))


def likeness(first: str, second: str) -> float:
    """Return how alike two titles are, 0 to 1; 1 where they differ in case, accents and punctuation alone."""
    one, other = words(first), words(second)
    if not one or not other:
        return 0.0
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def shortened(first: str, second: str) -> bool:
    """True where one title is the other's up to its colon. Different works share such names, too."""
    pairs = ((first, second), (second, first))
    return any(
        words(whole.partition(":")[0]) == words(short) and len(words(short).split()) >= MAIN_TITLE_WORDS
        for whole, short in pairs
        if ":" in whole and ":" not in short
    )


def family(name: str) -> str:
    """Return the last word of a person's family name, as `words`: services disagree where a family name begins."""
    try:
        last = words(" ".join(Person(name).last_names))
    except InvalidNameString:
        last = ""
    return (last or words(name)).rpartition(" ")[2]


def families(source: Source) -> tuple[str, ...]:
    """Return the authors' family names in their order."""
    return tuple(family(name) for name in source.authors)


def titles(source: Source) -> tuple[str, ...]:
    """Return every title under which the source knows the work."""
    return (source.title, *source.other_titles)


def title_likeness(first: Source, second: Source) -> float:
    """Return how alike two works' titles are at best."""
    return max(likeness(one, other) for one in titles(first) for other in titles(second))


def same_id(first: Source, second: Source) -> bool:
    """True where the two share an identifier."""
    return any(second.ids.get(kind) == value for kind, value in first.ids.items())


def same_work(first: Source, second: Source) -> bool:
    """True where two sources describe one work: a shared identifier, or title, first author and year together."""
    if same_id(first, second):
        return True
    if any(second.ids.get(kind, value) != value for kind, value in first.ids.items() if kind == "arxiv"):
        return False
    close = first.year is None or second.year is None or abs(first.year - second.year) <= 1
    first_author = families(first)[:1] == families(second)[:1]
    return close and first_author and title_likeness(first, second) >= SAME
