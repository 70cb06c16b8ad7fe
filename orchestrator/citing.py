"""What a paper can build on: what it may cite, and what was read for it.

Sources are frozen records in the idea folder, one a line, and the bibliography is made of them alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from orchestrator.errors import BadInput
from orchestrator.paper.bib import Library
from orchestrator.records import FrozenSource, Readings, Source
from orchestrator.workspace import Workspace

FILE = "sources/citable.jsonl"


def freeze(key: str, source: Source, entry: str, retrieved: str) -> FrozenSource:
    """Return the record of a source as it is now, with the BibTeX `entry` made of it."""
    digest = hashlib.sha256(source.reply.encode()).hexdigest()
    return FrozenSource(
        key=key,
        source=source.id,
        url=source.url,
        retrieved=retrieved,
        reply=source.reply,
        sha256=digest,
        entry=entry,
    )


def keep(records: Iterable[FrozenSource], workspace: Workspace) -> str:
    """Write what may be cited; return the file's SHA-256."""
    return workspace.write(FILE, "".join(f"{record.model_dump_json()}\n" for record in records))


def citable(workspace: Workspace) -> Library:
    """Return what may be cited as a library; BadInput names a record that was changed since it was frozen."""
    return library_of(workspace.read(FILE), workspace.path(FILE))


def library_of(text: str, where: Path) -> Library:
    """Return frozen records, one a line, as a library; BadInput names a line whose record is none any more."""
    records = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            records.append(FrozenSource.model_validate_json(line))
        except ValidationError as error:
            raise BadInput(f"{where}:{number}: {error.errors()[0]['msg']}; restore the file") from error
    return Library.parse("\n".join(record.entry for record in records), where)


def readings_of(workspace: Workspace) -> Readings:
    """Return the user's papers as they were read before the plan; none where there were none."""
    return workspace.journal.find("read", "", Readings) or Readings()
