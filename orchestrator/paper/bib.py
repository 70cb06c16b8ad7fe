"""The bibliography: a library of sources with exact keys, of which a paper takes those that it cites. Pure text."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pybtex.database import BibliographyDataError, Entry, Person, parse_string
from pybtex.errors import capture
from pybtex.scanner import PybtexSyntaxError
from pylatexenc.latexencode import UnicodeToLatexEncoder

from orchestrator.errors import BadInput
from orchestrator.paper.identity import arxiv_id, doi, plain
from orchestrator.records import Source

GIST = "annote"
VERBATIM = frozenset({"url", "doi", "eprint"})
VENUES = ("journal", "booktitle", "howpublished")


class Library:
    """A parsed .bib file. Keys are exact: `li2020` is not `oli2020a`, and case counts."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        """Take entries by key, in the file's order."""
        self._entries = entries

    @classmethod
    def read(cls, path: Path) -> Library:
        """Parse a .bib file; BadInput names the file, and the key that is there twice or lacks a field that we need."""
        return cls.parse(_text(path), path)

    @classmethod
    def parse(cls, text: str, where: Path | str) -> Library:
        """Parse BibTeX; BadInput names `where`, and the key that is there twice or lacks a field that we need."""
        entries = _entries(text, where)
        for key, entry in entries.items():
            missing = [name for name, value in _required(entry).items() if not value]
            if missing:
                raise BadInput(
                    f"{where}: entry '{key}' has no {' and no '.join(missing)}; add it or take the entry out"
                )
        return cls(entries)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, in the file's order."""
        return tuple(self._entries)

    @property
    def sources(self) -> dict[str, Source]:
        """The entries as sources, by key; the reply of each is its BibTeX."""
        return {key: source_of(key, entry) for key, entry in self._entries.items()}

    def joined(self, other: Library) -> Library:
        """Return both libraries' entries; of one key, the other's."""
        return Library(self._entries | other._entries)

    def select(self, keys: Collection[str]) -> str:
        """Return a .bib text with only these entries, without their gists; BadInput names a key that isn't there."""
        unknown = sorted(set(keys) - set(self._entries))
        if unknown:
            raise BadInput(f"the bibliography has no entry {', '.join(unknown)}")
        return "\n".join(_written(key, entry, {GIST}) for key, entry in self._entries.items() if key in keys)

    def describe(self) -> str:
        """Return a line for each entry, for a prompt: key, authors, year, title, gist."""
        return "\n".join(_line(key, entry) for key, entry in self._entries.items())


def read_sources(path: Path) -> tuple[dict[str, Source], tuple[str, ...]]:
    """Return every entry of any .bib file by key, whatever it lacks, and what BibTeX would skip: keys there twice.

    BadInput where the file is no BibTeX.
    """
    with capture() as problems:
        entries = dict(parse_string(_text(path), "bibtex").entries.items())
    broken = [problem for problem in problems if not isinstance(problem, BibliographyDataError)]
    if broken:
        raise BadInput(f"{path}: no valid BibTeX: {broken[0]}")
    repeated = tuple(str(problem).rpartition(": ")[2] for problem in problems)
    return {key: source_of(key, entry) for key, entry in entries.items()}, repeated


def source_of(key: str, entry: Entry) -> Source:
    """Return an entry as a source, its text without LaTeX. An identifier counts wherever it stands."""
    fields = {name.lower(): text for name, text in entry.fields.items()}
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    venue = next((fields[name] for name in VENUES if fields.get(name)), "")
    places = [fields.get(name, "") for name in ("eprint", "doi", "url", "journal", "howpublished", "note")]
    year = fields.get("year", "").strip("{} ")
    return Source(
        id=f"library:{''.join(key.split())}",
        title=plain(fields.get("title", "")),
        authors=tuple(plain(str(person)) for person in people),
        year=int(year) if year.isdecimal() else None,
        kind=entry.type if entry.type in {"article", "inproceedings"} else "misc",
        venue=plain(venue),
        doi=next(filter(None, map(doi, (fields.get("doi", ""), fields.get("url", "")))), ""),
        arxiv=next(filter(None, map(arxiv_id, places)), ""),
        url=fields.get("url", ""),
        abstract=plain(fields.get(GIST, "")),
        reply=_written(key, entry),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _entries(text: str, where: Path | str) -> dict[str, Entry]:
    try:
        return dict(parse_string(text, "bibtex").entries.items())
    except (PybtexSyntaxError, BibliographyDataError) as error:
        raise BadInput(f"{where}: no valid BibTeX: {error}") from error


def _required(entry: Entry) -> dict[str, object]:
    return {
        "author": entry.persons.get("author") or entry.persons.get("editor"),
        "title": entry.fields.get("title"),
        "year": entry.fields.get("year"),
    }


def _written(key: str, entry: Entry, without: Collection[str] = ()) -> str:
    """Return the entry as BibTeX, its fields as they stand: pybtex's own writer escapes what is escaped already."""
    # bibtex cuts names byte by byte, so an accented initial must be a command by then.
    encoder = UnicodeToLatexEncoder(non_ascii_only=True, replacement_latex_protection="braces-all")
    people = {role: " and ".join(map(str, persons)) for role, persons in entry.persons.items()}
    fields = {name: text for name, text in (people | dict(entry.fields)).items() if name.lower() not in without}
    lines = [
        f"  {name} = {{{text if name.lower() in VERBATIM else encoder.unicode_to_latex(text)}}},"
        for name, text in fields.items()
    ]
    return "\n".join([f"@{entry.type}{{{key},", *lines, "}", ""])


def _line(key: str, entry: Entry) -> str:
    people = entry.persons.get("author") or entry.persons.get("editor")
    title = " ".join(entry.fields["title"].replace("{", "").replace("}", "").split())
    gist = " ".join(entry.fields.get(GIST, "").split())
    return f"{key}: {_short(people)} ({entry.fields['year']}). {title}." + (f" {gist}" if gist else "")


def _short(people: list[Person]) -> str:
    names = [" ".join([*person.prelast_names, *person.last_names]) or str(person) for person in people]
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names).replace("{", "").replace("}", "")
