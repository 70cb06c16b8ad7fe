"""Edits code with aider, which runs in a confined worker process (`coder_worker`) kept alive between calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, Self

from pydantic import ValidationError

from orchestrator.errors import GroundworkError
from orchestrator.outside import Command, Message
from orchestrator.protocols import EditReply, EditTask
from orchestrator.records import Limits, Record

Ask = Callable[[tuple[Message, ...]], str]

# The worker asks at most six times; one that asks on and on is broken, and each question may cost money.
ASKS_PER_TASK = 8
REPLY_CHARS = 64 * 2**20
PACKAGE = Path(__file__).resolve().parents[1]


class Worker(Protocol):
    """A running worker, as `LocalExecutor.open` returns it."""

    @property
    def stdin(self) -> IO[str]:
        """Where it reads its messages."""
        ...

    @property
    def stdout(self) -> IO[str]:
        """Where it writes them."""
        ...

    def close(self) -> None:
        """End the process tree, then close the pipes. Called again, and from a second thread where the worker hangs."""
        ...


class WorkerLostError(Exception):
    """The worker died, hung, or wrote what is no message."""


class _Message(Record):
    ask: tuple[Message, ...] = ()
    done: EditReply | None = None
    failed: str = ""


class AiderCoder:
    """Implements `protocols.Coder`. `log` gets the worker's stderr; `limit_s` bounds its time for each message."""

    def __init__(self, python: Path, log: Path, open_worker: Callable[[Command], Worker], limit_s: float = 120) -> None:
        self._command = worker_command(python, log)
        self._open_worker = open_worker
        self._limit_s = limit_s
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker; a later edit starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def edit(self, task: EditTask, ask: Ask) -> EditReply:
        """Return the edited texts, or the task's own texts and the reason in `refused`.

        Where the worker is lost, another gets the same task and the answers that are already there. A second loss
        after an answer counts against the edit (an answer can send aider into hours of comparing); one before any
        answer raises GroundworkError. ValueError for a name that leaves the folder. What `ask` raises goes through.
        """
        _check_names(task)
        answers: dict[tuple[Message, ...], str] = {}
        loss = ""
        for _ in range(2):
            try:
                return self._attempt(task, ask, answers)
            except WorkerLostError as lost:
                self.close()
                loss = str(lost)
        if not answers:
            raise GroundworkError(
                f"the coder's worker did not start: {loss}; its messages are in {self._command.stderr}"
            )
        reason = f"the coder's worker failed twice on this edit: {loss}"
        return EditReply(files=dict(task.editable), transcript="\n\n".join(answers.values()), refused=(reason,))

    def _attempt(self, task: EditTask, ask: Ask, answers: dict[tuple[Message, ...], str]) -> EditReply:
        message = self._exchange(task=task.model_dump())
        for _ in range(ASKS_PER_TASK):
            if not message.ask:
                break
            if message.ask not in answers:
                answers[message.ask] = self._ask(ask, message.ask)
            message = self._exchange(answer=answers[message.ask])
        if message.done is None or message.done.files.keys() != task.editable.keys():
            raise WorkerLostError(f"it sent no result {message.failed}".strip())
        return message.done

    def _ask(self, ask: Ask, question: tuple[Message, ...]) -> str:
        try:
            return ask(question)
        except BaseException as error:
            # The worker waits in the middle of a task that nobody will finish.
            self._stop(str(error))
            raise

    def _stop(self, reason: str) -> None:
        try:
            self._exchange(stop=reason)
        except WorkerLostError:
            self.close()

    def _exchange(self, **message: object) -> _Message:
        """Send `message` and return the worker's next one; raises WorkerLostError where none comes in time."""
        worker = self._worker = self._worker or self._open_worker(self._command)
        timer = threading.Timer(self._limit_s, worker.close)
        timer.daemon = True
        timer.start()
        try:
            worker.stdin.write(_line(message))
            worker.stdin.flush()
            line = worker.stdout.readline(REPLY_CHARS)
            return _Message.model_validate_json(line)
        except ValidationError as error:
            raise WorkerLostError(f"it wrote no message but {line[:200]!r}" if line else "it ended") from error
        except (OSError, ValueError) as error:
            raise WorkerLostError(f"it could not be reached: {error}") from error
        finally:
            timer.cancel()
            # A timer that fired is still ending the process; nobody else may start on that meanwhile.
            timer.join()


def worker_command(python: Path, log: Path) -> Command:
    """Return the worker's command: it reads its own package and `python`'s environment, and writes nothing."""
    environment = python.parent.parent
    base = python.resolve().parent.parent
    return Command(
        # -P: the working directory is no place to import from, since it holds modules like `errors` and `models`.
        argv=(str(python), "-P", "-m", "orchestrator.backends.coder_worker"),
        cwd=PACKAGE,
        readable=(PACKAGE, environment, base),
        env={
            "PYTHONPATH": str(PACKAGE.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": "/tmp",  # noqa: S108 - the sandbox's own
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "GIT_PYTHON_REFRESH": "quiet",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
        # It lives as long as we do; an edit that takes too long is ended by AiderCoder.
        limits=Limits(timeout_s=30 * 24 * 3600, memory_mb=2048, file_mb=64, processes=64),
        stdout=Path("/dev/null"),
        stderr=log,
    )


def _line(message: dict[str, object]) -> str:
    return json.dumps(message) + "\n"


def _check_names(task: EditTask) -> None:
    for name in (*task.editable, *task.read_only):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
            raise ValueError(f"a file of an edit task is named {name!r}, which is no plain relative path")
    if not task.editable:
        raise ValueError("an edit task has no editable file")
