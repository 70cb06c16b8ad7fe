"""aider, held to one thing: how each edit format is asked for, read, and kept to the editable files.

For the worker process only (`coder_worker`). Nothing here writes outside aider's scratch folder or reaches a network.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

from aider.coders.architect_coder import ArchitectCoder
from aider.coders.base_coder import Coder
from aider.coders.base_prompts import CoderPrompts
from aider.coders.editblock_coder import EditBlockCoder, find_original_update_blocks
from aider.coders.udiff_coder import UnifiedDiffCoder
from aider.coders.wholefile_coder import WholeFileCoder
from aider.io import InputOutput
from aider.models import Model

Ask = Callable[[list[dict[str, str]]], str]

# Takes the place of aider's own words, which invite new files and suggest shell commands.
SYSTEM = """You edit source files. Make the requested change, completely, and change nothing else.
First explain the change in a few short sentences. Then write the change itself in the format described below.
If no change is needed, say so in words and show no code.
{final_reminders}"""

# aider's own examples are five times as long, and one of them makes a new file.
EXAMPLE_REQUEST = "Use a smaller step in sketch.py."
EXAMPLE_ANSWERS = {
    "diff": "The step becomes ten times smaller.\n\nsketch.py\n{fence[0]}python\n<<<<<<< SEARCH\nstep = 0.1\n"
    "=======\nstep = 0.01\n>>>>>>> REPLACE\n{fence[1]}\n",
    "udiff": "The step becomes ten times smaller.\n\n```diff\n--- sketch.py\n+++ sketch.py\n@@ ... @@\n"
    "-step = 0.1\n+step = 0.01\n```\n",
    "whole": "The step becomes ten times smaller.\n\nsketch.py\n{fence[0]}\nstep = 0.01\nprint(step)\n{fence[1]}\n",
}


class NoProviderErrors:
    """Stands in for aider's table of litellm's exceptions; building that table would import litellm (seconds)."""

    def exceptions_tuple(self) -> tuple[type[Exception], ...]:
        """Name no exception: no provider is called here."""
        return ()


class Silent(InputOutput):  # type: ignore[misc]
    """aider's terminal, without one: prints nothing, opens nothing, and says no to every question."""

    def confirm_ask(self, *_args: object, **_kwargs: object) -> bool:
        """Deny: new files, files outside the chat, shell commands, URLs."""
        return False

    def offer_url(self, *_args: object, **_kwargs: object) -> bool:
        """Open no browser."""
        return False

    def prompt_ask(self, *_args: object, **_kwargs: object) -> str:
        """Give no answer."""
        return ""

    def tool_output(self, *_args: object, **_kwargs: object) -> None:
        """Print nothing."""

    def _tool_message(self, *_args: object, **_kwargs: object) -> None:
        pass

    def assistant_output(self, *_args: object, **_kwargs: object) -> None:
        """Print nothing."""


class PipeModel(Model):  # type: ignore[misc]
    """A model without a provider: each request becomes one call of `ask`."""

    def __init__(self, ask: Ask, editable: tuple[str, ...]) -> None:
        super().__init__("groundwork/pipe")
        self.ask = ask
        self.answers: list[str] = []
        # aider would otherwise send its format rules twice, before and after the files.
        self.reminder = None
        # Kept inside the system message the example belongs to the prefix that a provider can cache.
        self.examples_as_sys_msg = True
        names = ", ".join(editable)
        self.system_prompt_prefix = f"Only these files can be changed: {names}. Edits of other files are refused.\n"

    def get_model_info(self, _model: str) -> dict[str, object]:
        """Know nothing about prices and windows; looking them up would go over the network."""
        return {}

    def validate_environment(self) -> dict[str, list[str]]:
        """Miss no keys: none are needed."""
        return {"keys_in_environment": [], "missing_keys": []}

    def token_count(self, messages: object) -> int:
        """Count nothing; tokens are counted by the gateway."""
        return 0

    def send_completion(self, messages: list[dict[str, str]], *_args: object, **_kwargs: object) -> tuple[Any, Any]:
        """Return (hash, response) in the shape that aider reads, with the parent's answer as its text."""
        answer = self.ask(_alternating(messages)).encode("utf-8", "replace").decode()
        self.answers.append(answer)
        message = SimpleNamespace(content=answer, tool_calls=None, reasoning_content=None)
        choice = SimpleNamespace(message=message, finish_reason="stop")
        return hashlib.sha256(answer.encode()), SimpleNamespace(choices=[choice], usage=None)


def _alternating(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    # After an empty answer aider sends two user turns in a row, which not every provider takes.
    merged: list[dict[str, str]] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n\n" + message["content"]
        else:
            merged.append({"role": message["role"], "content": message["content"]})
    return merged


class Sorted(set[str]):
    """A set with one order, so that the same task makes the same prompt in each process."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__()))


def addressee(named: str | None, editable: tuple[str, ...], *, guess: bool) -> str:
    """Return the editable file that an edit headed `named` is for.

    aider itself takes the nearest name, or any file that the edit happens to fit. Here a name has to be exact; with
    `guess`, an edit under no name or under a line of prose is for the only editable file. ValueError otherwise.
    """
    words = (named or "").split()
    last = words[-1].strip("`*:\"'").removeprefix("./") if words else ""
    if last in editable:
        return last
    is_prose = len(words) != 1 and "/" not in last and not re.search(r"\.\w+$", last)
    if guess and is_prose and len(editable) == 1:
        return editable[0]
    raise ValueError(
        f"An edit is addressed to {named!r}, which cannot be changed. These files can: {', '.join(editable)}.\n"
        "Nothing of your answer was applied. Send all edits again."
    )


# Lines of aider's format rules that ask for new files, which would be refused.
NEW_FILES = re.compile(r"^.*(?:new file|empty `SEARCH`).*\n", re.MULTILINE)


def _prompts(kind: type[Coder], edit_format: str) -> CoderPrompts:
    prompts = copy.copy(kind.gpt_prompts)
    prompts.main_system = SYSTEM
    prompts.system_reminder = NEW_FILES.sub("", prompts.system_reminder)
    prompts.no_shell_cmd_prompt = prompts.no_shell_cmd_reminder = prompts.rename_with_shell = prompts.go_ahead_tip = ""
    prompts.example_messages = [
        {"role": "user", "content": EXAMPLE_REQUEST},
        {"role": "assistant", "content": EXAMPLE_ANSWERS[edit_format]},
    ]
    return prompts


class DiffCoder(EditBlockCoder):  # type: ignore[misc]
    """SEARCH/REPLACE blocks."""

    gpt_prompts = _prompts(EditBlockCoder, "diff")

    def get_edits(self, mode: str = "update") -> list[tuple[str, str, str]]:
        """Return (file, search, replace) of each block; shell blocks are dropped. ValueError for a wrong name."""
        blocks = list(find_original_update_blocks(self.partial_response_content, self.fence))
        # An empty SEARCH appends to the file, so it must say which.
        return [
            (addressee(block[0], self.editable, guess=bool(block[1].strip())), block[1], block[2])
            for block in blocks
            if block[0] is not None
        ]


class UdiffCoder(UnifiedDiffCoder):  # type: ignore[misc]
    """Unified diffs without line numbers."""

    gpt_prompts = _prompts(UnifiedDiffCoder, "udiff")

    def get_edits(self, mode: str = "update") -> list[tuple[str, list[str]]]:
        """Return (file, hunk lines) of each hunk; ValueError for a wrong name or a torn block."""
        try:
            hunks = super().get_edits()
        except (UnboundLocalError, IndexError) as error:  # how aider trips over a block without lines
            raise ValueError("A ```diff block is empty or not closed. Send all edits again.") from error
        return [(addressee(name, self.editable, guess=True), hunk) for name, hunk in hunks]


class WholeCoder(WholeFileCoder):  # type: ignore[misc]
    """Whole files."""

    gpt_prompts = _prompts(WholeFileCoder, "whole")

    def get_edits(self, mode: str = "update") -> list[tuple[str, str, list[str]]]:
        """Return (file, source of the name, lines) of each listing; ValueError for a wrong name."""
        if mode == "diff":
            return []  # only for the screen
        heads = re.findall(rf"^(.*\S)[ \t]*\n{re.escape(self.fence[0])}", self.partial_response_content, re.M)
        for name in (head.strip("*`# :") for head in heads):
            # aider drops folders from a name before we see it: `../experiment.py` would be `experiment.py`.
            if "/" in name and PurePosixPath(name).name in self.editable:
                addressee(name, self.editable, guess=False)
        return [(addressee(name, self.editable, guess=False), *rest) for name, *rest in super().get_edits()]


class Architect(ArchitectCoder):  # type: ignore[misc]
    """Describes the change in words; `carry_out` then gives the description to a DiffCoder."""

    def reply_completed(self) -> bool:
        """Keep aider from starting an editor of its own, which would not be one of ours."""
        return True


KINDS = {"diff": DiffCoder, "udiff": UdiffCoder, "whole": WholeCoder, "architect": DiffCoder}
