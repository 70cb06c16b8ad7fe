"""Answers from a session file, matched by stage, step and attempt, and not by the text of the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from orchestrator.errors import ModelUnavailable
from orchestrator.models.calls import FREE, Terms
from orchestrator.models.session import read_session
from orchestrator.outside import Answer, Request


class Replay:
    """A provider that reads a session file and asks nobody."""

    TERMS: ClassVar[Terms] = Terms(provider="replay", model="", price=FREE, metered=False)

    def __init__(self, path: Path) -> None:
        """Read a session; BadInput names the line that is wrong."""
        self.path = path
        self.header, entries = read_session(path)
        self._answers = {(entry.stage, entry.step, entry.attempt): entry.answer for entry in entries}

    def terms(self, stage: str) -> Terms:
        """Return that it costs nothing."""
        return self.TERMS

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
