"""What the stages need from the outside world. `models` and `backends` implement these; `cli` wires them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal, Protocol

from orchestrator.outside import Answer, Command, Message, Request
from orchestrator.records import IdKind, ProcessResult, Record, Source


class LanguageModel(Protocol):
    """The one door to a model (`models.gateway.Gateway`)."""

    def complete(self, request: Request) -> Answer:
        """Answer `request`; raises ModelUnavailable where nobody can."""
        ...


EditFormat = Literal["diff", "udiff", "whole", "architect"]


class EditTask(Record):
    """One edit for the coder: file texts by name, which of them may change, and what to do."""

    editable: dict[str, str]
    read_only: dict[str, str] = {}
    instruction: str
    edit_format: EditFormat = "diff"


class EditReply(Record):
    """The texts of the editable files afterwards, and the model's answers (shown to nobody as a result).

    `refused` says why an edit was not taken; `files` are then the texts that the task came with.
    """

    files: dict[str, str]
    transcript: str
    refused: tuple[str, ...] = ()


class Coder(Protocol):
    """Edits code by asking a model (`backends.coder.AiderCoder`)."""

    def edit(self, task: EditTask, ask: Callable[[tuple[Message, ...]], str]) -> EditReply:
        """Carry out `task`; each of the coder's model calls goes through `ask`. Touches no file of the idea folder."""
        ...


class Companion(Protocol):
    """A confined program that runs beside others until it is closed (`backends.executor.Worker`)."""

    @property
    def stdout(self) -> IO[str]:
        """What it says."""
        ...

    @property
    def ended(self) -> bool:
        """True when the program is no more, whoever ended it."""
        ...

    def close(self) -> None:
        """End it with every process that came from it."""
        ...


class Executor(Protocol):
    """Runs a program confined and to its end (`backends.executor.LocalExecutor`)."""

    def run(self, command: Command, watch: Callable[[], str] | None = None) -> ProcessResult:
        """Run `command`, leaving no process behind.

        `watch` is called about twice a second; a non-empty answer is a reason to end the process tree at once.
        """
        ...

    def open(self, command: Command) -> Companion:
        """Start a program that runs beside others; whoever opens it closes it."""
        ...


class Typesetter(Protocol):
    """Makes a PDF of a LaTeX folder (`backends.latex.Latexmk`)."""

    def missing(self) -> str:
        """Return '' where a PDF can be made, else the command that installs what is missing."""
        ...

    def typeset(self, folder: Path, main: str) -> Path:
        """Compile `folder/main` and return the PDF; raises TypesettingFailed with file, line and message."""
        ...


class Scholar(Protocol):
    """A source of citations (`backends.scholar` for the services, `paper.shelf.Shelf` for a library).

    `resolves` are the kinds of identifier of which it knows, so that it not knowing one says something about that one.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def resolves(self) -> frozenset[IdKind]: ...  # noqa: D102

    def search(self, query: str, limit: int) -> tuple[Source, ...]:
        """Return at most `limit` works for a query in plain words, best first; raises ScholarUnavailable."""
        ...

    def lookup(self, kind: IdKind, value: str) -> Source | None:
        """Return the work with this identifier, None where there is none here; raises ScholarUnavailable."""
        ...


class Screen(Protocol):
    """Tells the person at the terminal where things stand."""

    def stage(self, stage: str, detail: str = "") -> None:
        """A stage begins."""
        ...

    def note(self, text: str) -> None:
        """One line that stays on the screen."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """A long wait is `done` of `total` through."""
        ...
