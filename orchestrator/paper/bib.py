"""The bibliography: a library of sources with exact keys, of which a paper takes those that it cites. Pure text."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pybtex.database import BibliographyDataError, Entry, Person, parse_string
from pybtex.scanner import PybtexSyntaxError
from pylatexenc.latexencode import UnicodeToLatexEncoder

from orchestrator.errors import BadInput

GIST = "annote"
VERBATIM = frozenset({"url", "doi", "eprint"})


class Library:
    """A parsed .bib file. Keys are exact: `li2020` is not `oli2020a`, and case counts."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        """Take entries by key, in the file's order."""
        self._entries = entries

    @classmethod
    def read(cls, path: Path) -> Library:
        """Parse a .bib file; BadInput names the file, and the key that is there twice or lacks a field that we need."""
        try:
            text = path.read_text(encoding="utf-8")
            entries = dict(parse_string(text, "bibtex").entries.items())
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: cannot be read as UTF-8 text: {error}") from error
        except (PybtexSyntaxError, BibliographyDataError) as error:
            raise BadInput(f"{path}: no valid BibTeX: {error}") from error
        for key, entry in entries.items():
            missing = [name for name, value in _required(entry).items() if not value]
            if missing:
                raise BadInput(f"{path}: entry '{key}' has no {' and no '.join(missing)}; add it or take the entry out")
        return cls(entries)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, in the file's order."""
        return tuple(self._entries)

    def joined(self, other: Library) -> Library:
        """Return both libraries' entries; of one key, the other's."""
        return Library(self._entries | other._entries)

    def select(self, keys: Collection[str]) -> str:
        """Return a .bib text with only these entries, without their gists; BadInput names a key that isn't there."""
        unknown = sorted(set(keys) - set(self._entries))
        if unknown:
            raise BadInput(f"the bibliography has no entry {', '.join(unknown)}")
        return "\n".join(_written(key, entry) for key, entry in self._entries.items() if key in keys)

    def describe(self) -> str:
        """Return a line for each entry, for a prompt: key, authors, year, title, gist."""
        return "\n".join(_line(key, entry) for key, entry in self._entries.items())


def _required(entry: Entry) -> dict[str, object]:
    return {
        "author": entry.persons.get("author") or entry.persons.get("editor"),
        "title": entry.fields.get("title"),
        "year": entry.fields.get("year"),
    }


def _written(key: str, entry: Entry) -> str:
    """Return the entry as BibTeX, its fields as they stand: pybtex's own writer escapes what is escaped already."""
    # bibtex cuts names byte by byte, so an accented initial must be a command by then.
    encoder = UnicodeToLatexEncoder(non_ascii_only=True, replacement_latex_protection="braces-all")
    people = {role: " and ".join(map(str, persons)) for role, persons in entry.persons.items()}
    fields = {name: text for name, text in (people | dict(entry.fields)).items() if name.lower() != GIST}
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
