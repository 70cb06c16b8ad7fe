"""Make references.bib from a list of verified literature: python make_references.py FILE.jsonl.

One JSON object a line (key, type, title, authors, year, venue, arxiv, doi, url, abstract_gist, verified). Only entries
that are verified and have authors get in; an empty field is unconfirmed and is left out, never guessed.
Needs pybtex and pylatexenc.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pybtex.database import BibliographyData, Entry, Person
from pylatexenc.latexencode import UnicodeToLatexEncoder

VENUE_FIELD = {"article": "journal", "inproceedings": "booktitle", "misc": "howpublished"}
# Accents become TeX's own: bibtex counts bytes, and would cut an accented initial in two.
ENCODER = UnicodeToLatexEncoder(non_ascii_only=True, replacement_latex_protection="braces-all")


def main() -> None:
    """Write references.bib beside this file."""
    lines = Path(sys.argv[1]).read_text("utf-8").splitlines()
    records = [record for line in lines if line.strip() and citable(record := json.loads(line))]
    library = BibliographyData({record["key"]: entry(record) for record in records})
    target = Path(__file__).with_name("references.bib")
    target.write_text(library.to_string("bibtex"), encoding="utf-8")
    sys.stdout.write(f"{target.name}: {len(records)} of {len(lines)} entries\n")


def citable(record: dict[str, Any]) -> bool:
    """Return whether the entry was verified and has authors."""
    return record["verified"] is True and bool(record["authors"])


def entry(record: dict[str, Any]) -> Entry:
    """Return the BibTeX entry; URL and identifiers stay as they are, prose is escaped for TeX."""
    fields = {
        # The second pair of braces keeps names and acronyms from being lowercased by a style.
        "title": "{" + escape(record["title"]) + "}",
        VENUE_FIELD[record["type"]]: escape(record["venue"] or ""),
        "year": str(record["year"] or ""),
        "doi": record["doi"] or "",
        "eprint": record["arxiv"] or "",
        "archiveprefix": "arXiv" if record["arxiv"] else "",
        "url": record["url"] or "",
        "note": escape(record.get("note") or ""),
        "annote": escape(record["abstract_gist"] or ""),
    }
    people = {"author": [Person(escape(author)) for author in record["authors"]]}
    return Entry(record["type"], fields={key: value for key, value in fields.items() if value}, persons=people)


def escape(text: str) -> str:
    """Return `text` in ASCII; what else is special to TeX (&, %, _) pybtex escapes when it writes."""
    return ENCODER.unicode_to_latex(text)


if __name__ == "__main__":
    main()
