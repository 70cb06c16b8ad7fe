"""The journal: an append-only, checksummed file of events, and the only state an idea has.

A line is JSON with the fields of `Event`; `sum` is the first 16 hex digits of SHA-256 over the previous line's
`sum` and this line without it, so that a changed, lost or reordered line shows. A torn last line (a crash in
the middle of a write) is set aside; damage anywhere else is an error.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestrator.errors import BadInput, JournalCorrupt
from orchestrator.records import Record

T = TypeVar("T", bound=Record)


class Event(Record):
    """One thing that happened. `kind` is a stage's name or another word of the journal, `step` what it concerned."""

    n: int
    at: str
    kind: str
    step: str
    data: dict[str, Any]
    sum: str


class Journal:
    """One idea folder's journal. Holds an exclusive lock for as long as it is open for writing."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        """Open or create the journal at `path` and replay it; BadInput if another process writes it."""
        self.path = path
        self.events: list[Event] = []
        if not writable:
            self._replay(path.read_bytes())
            return
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"{path}: another process is working in this folder; wait for it or stop it") from error
        self._file.seek(0)
        good = self._replay(self._file.read())
        self._set_torn_tail_aside(good)

    def close(self) -> None:
        """Release the lock."""
        self._file.close()

    def append(self, kind: str, step: str, record: Record) -> None:
        """Write one event durably: it is on disk when this returns."""
        body = {
            "n": len(self.events),
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "step": step,
            "data": record.model_dump(mode="json"),
        }
        event = Event(**body, sum=self._checksum(body))
        self._file.write(_line(event.model_dump()) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.events.append(event)

    def find(self, kind: str, step: str, record_type: type[T]) -> T | None:
        """Return the latest record of `kind` for `step`, or None."""
        for event in reversed(self.events):
            if event.kind == kind and event.step == step:
                return record_type.model_validate(event.data)
        return None

    def all(self, kind: str, record_type: type[T]) -> list[T]:
        """Return every record of `kind`, in the order in which they were written."""
        return [record_type.model_validate(event.data) for event in self.events if event.kind == kind]

    def once(self, kind: str, step: str, record_type: type[T], produce: Callable[[], T]) -> T:
        """Return what the journal holds of `kind` for `step`; if nothing, `produce` it and write it down."""
        known = self.find(kind, step, record_type)
        if known is not None:
            return known
        made = produce()
        self.append(kind, step, made)
        return made

    def _checksum(self, body: dict[str, Any]) -> str:
        previous = self.events[-1].sum if self.events else ""
        return hashlib.sha256(previous.encode() + _line(body)).hexdigest()[:16]

    def _replay(self, content: bytes) -> int:
        """Read all events; return the length in bytes of the part that is whole."""
        good = 0
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            try:
                event = Event.model_validate_json(line)
            except ValidationError as error:
                raise JournalCorrupt(f"{self.path}:{number}: not an event; restore this file from a copy") from error
            body = event.model_dump(exclude={"sum"})
            if event.n != number - 1 or event.sum != self._checksum(body):
                raise JournalCorrupt(
                    f"{self.path}:{number}: the checksum is wrong; this line or one before was changed"
                )
            self.events.append(event)
            good += len(line) + 1
        return good

    def _set_torn_tail_aside(self, good: int) -> None:
        self._file.seek(good)
        torn = self._file.read()
        if torn:
            self.path.with_suffix(".torn").write_bytes(torn)
            self._file.truncate(good)
            os.fsync(self._file.fileno())


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
