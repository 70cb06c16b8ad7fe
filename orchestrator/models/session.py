"""Session files: a header, then one answer a line. `kind` says who answered.

A scripted session is edited as a folder of texts, one `stage__step__attempt.md` an answer (`-` for an empty step):

    python -m orchestrator.models.session unpack FILE.session.jsonl FOLDER
    python -m orchestrator.models.session pack FOLDER FILE.session.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from orchestrator.errors import BadInput
from orchestrator.records import Record

R = TypeVar("R", bound=Record)


class SessionHeader(Record):
    """The first line of a session file: `recorded` from a real model, or `scripted` in advance.

    `template` is the SHA-256 of the template's lock, `prompts` that of each prompt file that the answers were given to;
    both are empty in a session that was written by hand.
    """

    kind: Literal["recorded", "scripted"]
    idea: str
    model: str
    date: str
    template: str = ""
    prompts: dict[str, str] = {}


class SessionEntry(Record):
    """One answer, and the call that it belongs to. `request` is the SHA-256 of a recorded request's text."""

    stage: str
    step: str
    attempt: int
    answer: str
    request: str = ""

    @property
    def stem(self) -> str:
        """The name of its file in an unpacked session."""
        return f"{self.stage}__{self.step or '-'}__{self.attempt}"


def read_session(path: Path) -> tuple[SessionHeader, list[SessionEntry]]:
    """Parse a session file; BadInput names the line that is wrong."""
    # Only a line feed ends a line: JSON leaves other line breaks of Unicode as they are, inside an answer.
    lines = path.read_text(encoding="utf-8").split("\n")
    header = _parse(SessionHeader, lines[0], path, 1)
    entries = [_parse(SessionEntry, line, path, n) for n, line in enumerate(lines[1:], start=2) if line.strip()]
    return header, entries


def write_session(path: Path, header: SessionHeader, entries: list[SessionEntry]) -> None:
    """Write a session file."""
    text = "".join(record.model_dump_json(exclude_defaults=True) + "\n" for record in (header, *entries))
    path.write_text(text, encoding="utf-8")


def unpack(path: Path, folder: Path) -> None:
    """Write a session as a folder of texts."""
    header, entries = read_session(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "header.json").write_text(header.model_dump_json(indent=1) + "\n", encoding="utf-8")
    requests = {entry.stem: entry.request for entry in entries if entry.request}
    (folder / "requests.json").write_text(json.dumps(requests, indent=1) + "\n", encoding="utf-8")
    for entry in entries:
        (folder / f"{entry.stem}.md").write_text(entry.answer, encoding="utf-8", newline="")


def pack(folder: Path, path: Path) -> None:
    """Make a session of a folder of texts."""
    header = SessionHeader.model_validate_json((folder / "header.json").read_text(encoding="utf-8"))
    kept = folder / "requests.json"
    requests: dict[str, str] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    entries = []
    for file in sorted(folder.glob("*__*__*.md")):
        stage, step, attempt = file.stem.split("__")
        # Read as bytes: an answer's own line ends stay what they are.
        entry = SessionEntry(
            stage=stage,
            step="" if step == "-" else step,
            attempt=int(attempt),
            answer=file.read_bytes().decode(),
            request=requests.get(file.stem, ""),
        )
        entries.append(entry)
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
