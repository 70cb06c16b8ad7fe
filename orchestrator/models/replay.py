"""Answers from a session file, matched by stage, step and attempt.

A session is JSON lines: a header (`SessionHeader`), then one `SessionEntry` for each answer. `kind` says whether a
real model gave the answers (`recorded`) or somebody wrote them in advance (`scripted`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from orchestrator.errors import BadInput, ModelUnavailable
from orchestrator.records import Answer, Record, Request

R = TypeVar("R", bound=Record)


class SessionHeader(Record):
    """The first line of a session file."""

    kind: Literal["recorded", "scripted"]
    idea: str
    model: str
    date: str


class SessionEntry(Record):
    """One answer of a session."""

    stage: str
    step: str
    attempt: int
    answer: str


class Replay:
    """A provider that reads a session file and asks nobody."""

    def __init__(self, path: Path) -> None:
        """Read a session; BadInput names the line that is wrong."""
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines()
        self.header = _parse(SessionHeader, lines[0] if lines else "", path, 1)
        entries = [_parse(SessionEntry, line, path, n) for n, line in enumerate(lines[1:], start=2) if line.strip()]
        self._answers = {(entry.stage, entry.step, entry.attempt): entry.answer for entry in entries}

    def answer(self, request: Request) -> Answer:
        """Return the session's answer; ModelUnavailable where it holds none for this call."""
        key = (request.stage, request.step, request.attempt)
        if key not in self._answers:
            why = f"\nThe last message was: {request.messages[-1].content[:1500]}" if request.attempt else ""
            raise ModelUnavailable(
                f"{self.path.name} has no answer for stage '{key[0]}', step '{key[1]}', attempt {key[2]}: "
                f"the idea took a turn that the session does not foresee{why}"
            )
        return Answer(text=self._answers[key], model=f"replay:{self.header.kind}")


def _parse(record: type[R], line: str, path: Path, number: int) -> R:
    try:
        return record.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise BadInput(f"{path}:{number}: {field}: {first['msg']}; this is not a session file's line") from error
