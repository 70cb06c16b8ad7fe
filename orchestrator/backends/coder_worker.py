"""The coder's child process: aider edits copies in a scratch folder, and its model calls go over a pipe.

Started as `python -m orchestrator.backends.coder_worker`. One JSON object a line, over stdin and stdout:

    parent -> worker   {"task": EditTask}    {"answer": text}    {"stop": reason}
    worker -> parent   {"ask": [{"role", "content"}, ...]}    {"done": EditReply}    {"failed": reason}

aider is given no file of the idea folder. Only the texts of the editable names go back; what else a model's answer
managed to write disappears with the scratch folder. litellm is never loaded, so nothing here can reach a provider.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from aider.coders import base_coder
from aider.coders.base_coder import Coder

from orchestrator.backends.coder_formats import KINDS, Architect, Ask, NoProviderErrors, PipeModel, Silent, Sorted
from orchestrator.protocols import EditReply, EditTask

# A model hears about a bad answer twice; after the third bad one the edit is refused.
ANSWERS_PER_EDIT = 3

# aider quotes failed blocks whole; a reason goes into records, which are short.
REASON_CHARS = 2000

EMPTY = "Your answer was empty. Answer with the change that was asked for."
NO_EDIT = (
    "No edit was found in your answer, so nothing was changed. Answer again in the required format; "
    "if no change is needed, say so in words and show no code."
)


class Stopped(BaseException):
    """The parent gave the task up. Not an Exception, since aider goes on after any of those."""


class Scratch:
    """Copies of a task's files, and what is still wrong with their texts."""

    def __init__(self, folder: Path, task: EditTask) -> None:
        self.folder = folder
        self.task = task
        self.latest = dict(task.editable)
        self.objection = ""
        for name, text in {**task.read_only, **task.editable}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")

    def texts(self) -> dict[str, str]:
        """Return the editable files' texts as they are now, line ends untouched."""
        return {name: (self.folder / name).read_bytes().decode("utf-8") for name in self.task.editable}

    def judge(self, coder: Coder) -> str:
        """Return what is wrong after the coder's latest answer, in words for the model; '' if nothing is."""
        texts = self.texts()
        found = coder.reflected_message or _misses_edit(coder) or self._breaks(texts)
        if not found and texts == self.latest:
            # Saying nothing more does not mend what failed before: half of an edit may be in the file.
            found = self.objection
        self.latest, self.objection = texts, found
        return str(found)

    def _breaks(self, texts: dict[str, str]) -> str:
        for name, text in texts.items():
            if text == self.task.editable[name]:
                continue
            if not text.strip():
                return f"Your edit leaves {name} empty. Send the edit again."
            problem = _syntax_error(name, text) if name.endswith(".py") else ""
            if problem:
                return f"Your edit was applied, but {name} is no valid Python any more. Mend it.\n{problem}"
        return ""


def _misses_edit(coder: Coder) -> str:
    answer = coder.partial_response_content
    if not answer.strip():
        return EMPTY
    has_code = "```" in answer or "<<<<<<< SEARCH" in answer
    return NO_EDIT if has_code and not coder.aider_edited_files else ""


def _syntax_error(name: str, text: str) -> str:
    try:
        ast.parse(text, filename=name)
    except SyntaxError as error:
        return f"{name}, line {error.lineno}: {error.msg}\n{(error.text or '').rstrip()}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{name}: {type(error).__name__}: {error}"
    return ""


def _open_coder(kind: type[Coder], scratch: Scratch, model: PipeModel) -> Coder:
    coder = kind(
        model,
        Silent(pretty=False, yes=False, fancy_input=False),
        fnames=[str(scratch.folder / name) for name in scratch.task.editable],
        read_only_fnames=[str(scratch.folder / name) for name in scratch.task.read_only],
        use_git=False,
        auto_commits=False,
        dirty_commits=False,
        map_tokens=0,
        stream=False,
        auto_lint=False,
        suggest_shell_commands=False,
        detect_urls=False,
        analytics=SimpleNamespace(event=lambda *_args, **_kwargs: None),
    )
    coder.editable = tuple(scratch.task.editable)
    coder.root = str(scratch.folder)
    coder.abs_root_path_cache.clear()
    coder.abs_fnames = Sorted(coder.abs_fnames)
    coder.abs_read_only_fnames = Sorted(coder.abs_read_only_fnames)
    # The rounds are counted in `_converse`, where more is known to be wrong than aider sees.
    coder.max_reflections = 0
    # A history too long for this would be summarised by a request that nobody asked for.
    coder.summarizer.max_tokens = 10**9
    # Else the prompt depends on the machine: its locale, its kernel, today's date.
    coder.get_user_language = lambda: None
    coder.get_platform_info = lambda: ""
    return coder


def _converse(coder: Coder, message: str, judge: Callable[[Coder], str]) -> str:
    """Send `message`, then whatever `judge` finds wrong with the answer; return what stayed wrong, or ''."""
    for _ in range(ANSWERS_PER_EDIT):
        # preproc would run `!` and `/` commands and open URLs.
        coder.run_one(message, preproc=False)
        message = judge(coder)
        if not message:
            return ""
    return message


def carry_out(task: EditTask, ask: Ask) -> EditReply:
    """Have aider do `task`, asking at most ANSWERS_PER_EDIT times (the architect's description not counted).

    The edit is taken whole or not at all: where something stayed wrong, the texts are those of the task.
    """
    with tempfile.TemporaryDirectory(prefix="coder-") as folder:
        scratch = Scratch(Path(folder).resolve(), task)
        model = PipeModel(ask, tuple(task.editable))
        instruction, refusal = task.instruction, ""
        if task.edit_format == "architect":
            architect = _open_coder(Architect, scratch, model)
            refusal = _converse(architect, instruction, lambda coder: _empty(coder.partial_response_content))
            instruction = architect.partial_response_content
        if not refusal:
            refusal = _converse(_open_coder(KINDS[task.edit_format], scratch, model), instruction, scratch.judge)
        files = dict(task.editable) if refusal else scratch.texts()
    refused = (refusal[:REASON_CHARS],) if refusal else ()
    return EditReply(files=files, transcript="\n\n".join(model.answers), refused=refused)


def _empty(answer: str) -> str:
    return "" if answer.strip() else EMPTY


class Channel:
    """The parent's pipes, taken away from aider: its prints go to stderr, and what it reads is empty."""

    def __init__(self) -> None:
        self.source: TextIO = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self.sink: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)

    def send(self, **message: object) -> None:
        """Write one message."""
        self.sink.write(json.dumps(message) + "\n")
        self.sink.flush()

    def receive(self) -> dict[str, Any]:
        """Return the parent's next message; SystemExit when the parent is gone."""
        line = self.source.readline()
        if not line:
            raise SystemExit(0)
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, messages: list[dict[str, str]]) -> str:
        """Return the parent's answer to `messages`; raises Stopped where the parent gives up."""
        self.send(ask=messages)
        message = self.receive()
        if "stop" in message:
            raise Stopped(message["stop"])
        return str(message["answer"])


def main() -> None:
    """Serve tasks until the parent closes its end."""
    # Ctrl-C reaches the whole terminal group; what it means for an edit is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    base_coder.LiteLLMExceptions = NoProviderErrors
    channel = Channel()
    while True:
        task = EditTask.model_validate(channel.receive()["task"])
        try:
            reply = carry_out(task, channel.ask)
        except Stopped as stopped:
            channel.send(failed=str(stopped))
        else:
            channel.send(done=reply.model_dump())


if __name__ == "__main__":
    main()
