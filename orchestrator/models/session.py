"""Session files: a header, then one answer a line. `kind` says who answered.

A scripted session is edited as a folder of texts, one `stage__step__attempt.md` for each answer (`-` for an empty step):

    python -m orchestrator.models.session unpack FILE.session.jsonl FOLDER
    python -m orchestrator.models.session pack FOLDER FILE.session.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from orchestrator.errors import BadInput
from orchestrator.records import Record

R = TypeVar("R", bound=Record)


class SessionHeader(Record):
    """The first line of a session file: `recorded` from a real model, or `scripted` in advance."""

    kind: Literal["recorded", "scripted"]
    idea: str
    model: str
    date: str


class SessionEntry(Record):
    """One answer, and the call that it belongs to."""

    stage: str
    step: str
    attempt: int
    answer: str


def read_session(path: Path) -> tuple[SessionHeader, list[SessionEntry]]:
    """Parse a session file; BadInput names the line that is wrong."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = _parse(SessionHeader, lines[0] if lines else "", path, 1)
    entries = [_parse(SessionEntry, line, path, n) for n, line in enumerate(lines[1:], start=2) if line.strip()]
    return header, entries


def write_session(path: Path, header: SessionHeader, entries: list[SessionEntry]) -> None:
    """Write a session file."""
    path.write_text("".join(record.model_dump_json() + "\n" for record in (header, *entries)), encoding="utf-8")


def unpack(path: Path, folder: Path) -> None:
    """Write a session as a folder of texts."""
    header, entries = read_session(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "header.json").write_text(header.model_dump_json(indent=1) + "\n")
    for entry in entries:
        (folder / f"{entry.stage}__{entry.step or '-'}__{entry.attempt}.md").write_text(entry.answer)


def pack(folder: Path, path: Path) -> None:
    """Make a session of a folder of texts."""
    header = SessionHeader.model_validate_json((folder / "header.json").read_text())
    entries = []
    for file in sorted(folder.glob("*__*__*.md")):
        stage, step, attempt = file.stem.split("__")
        step = "" if step == "-" else step
        entries.append(SessionEntry(stage=stage, step=step, attempt=int(attempt), answer=file.read_text()))
    write_session(path, header, entries)


def _parse(record: type[R], line: str, path: Path, number: int) -> R:
    try:
        return record.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise BadInput(f"{path}:{number}: {field}: {first['msg']}; this is not a session file's line") from error


if __name__ == "__main__":
    source, target = Path(sys.argv[2]), Path(sys.argv[3])
    {"pack": pack, "unpack": unpack}[sys.argv[1]](source, target)
