"""What every stage works on: one idea in one setting, its folder, and the outside world.

Also the one way in which a stage gets a checked answer from a model (`ask`): answers have a form, are parsed, and go
back with the reason when they don't hold, a bounded number of times.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator import prompts
from orchestrator.errors import AnswersSpent
from orchestrator.outside import Message, Request
from orchestrator.protocols import Coder, EditFormat, Executor, LanguageModel, Screen, Typesetter
from orchestrator.records import Idea, Profile, Template
from orchestrator.workspace import Workspace

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

MAX_ANSWERS = 4
_BLOCK = re.compile(r"^```([a-z]+)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Backends:
    """The outside world, wired by `cli`."""

    llm: LanguageModel
    coder: Coder
    executor: Executor
    typesetter: Typesetter
    screen: Screen


@dataclass(frozen=True)
class Setting:
    """A template with the scale at which it is used and the places where it lies on this machine."""

    template: Template
    profile: Profile
    folder: Path
    python: Path
    cache: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the template's programs."""
        # Threads that spin while they wait take the cores from each other as soon as anything else runs here.
        return {"PYTHONPATH": str(self.folder), "OMP_WAIT_POLICY": "PASSIVE"}

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every run. They follow from the setting's name: no model chooses them, all ideas share them."""
        names = (f"{self.template.name}/{self.profile.name}/{index}" for index in range(self.profile.seeds))
        return tuple(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 2**31 for name in names)


@dataclass(frozen=True)
class Study:
    """One idea, carried from plan to paper in its folder."""

    idea: Idea
    setting: Setting
    workspace: Workspace
    backends: Backends
    provenance: str
    edit_format: EditFormat = "diff"


def described(study: Study) -> str:
    """Return the template's prompt.md with the profile at which this study runs, and how hypotheses are judged."""
    setting = study.setting
    profile = ", ".join(f"{key} = {value}" for key, value in setting.profile.model_dump().items())
    margins = ", ".join(f"{m.name} {m.smallest_effect:g}" for m in setting.template.metrics if m.smallest_effect)
    tests = prompts.render("tests", margins=margins, seeds=len(setting.seeds))
    return f"{(setting.folder / 'prompt.md').read_text().strip()}\n\n# The profile\n\n{profile}\n\n{tests}"


class AnswerRefused(Exception):  # noqa: N818
    """An answer does not hold; the message is written for the model that gave it."""


def ask(study: Study, stage: str, step: str, prompt: str, parse: Callable[[str], T]) -> T:
    """Ask the model until `parse` takes its answer; AnswersSpent after MAX_ANSWERS refusals."""
    messages = [Message(role="system", content=prompts.render("system")), Message(role="user", content=prompt)]
    reason = ""
    for attempt in range(MAX_ANSWERS):
        answer = study.backends.llm.complete(Request(stage=stage, step=step, attempt=attempt, messages=tuple(messages)))
        try:
            if answer.truncated:
                raise AnswerRefused(f"It was cut off after {answer.output_tokens} tokens. Answer shorter.")
            return parse(answer.text)
        except AnswerRefused as refusal:
            reason = str(refusal)
            study.backends.screen.note(f"  sent back: {reason.splitlines()[0][:140]}")
            messages += [
                Message(role="assistant", content=answer.text),
                Message(role="user", content=prompts.render("refused", reason=reason)),
            ]
    raise AnswersSpent(f"stage '{stage}', step '{step}': no usable answer in {MAX_ANSWERS} tries; last: {reason}")


def asker(study: Study, stage: str, step: str) -> Callable[[tuple[Message, ...]], str]:
    """Return the function through which a coder's model calls for `step` reach the one door."""
    calls = itertools.count()

    def forward(messages: tuple[Message, ...]) -> str:
        request = Request(stage=stage, step=step, attempt=next(calls), messages=messages)
        return study.backends.llm.complete(request).text

    return forward


def block(answer: str, language: str) -> str:
    """Return the text of the answer's only fenced block in `language`."""
    found = [body for name, body in _BLOCK.findall(answer) if name == language]
    if len(found) != 1:
        raise AnswerRefused(f"Answer with exactly one fenced ```{language} block; this answer has {len(found)}.")
    return str(found[0])


def json_block(answer: str, record: type[M]) -> M:
    """Parse the answer's only fenced json block as `record`."""
    try:
        return record.model_validate(json.loads(block(answer, "json")))
    except json.JSONDecodeError as error:
        raise AnswerRefused(f"The json block is not JSON: line {error.lineno}: {error.msg}.") from error
    except ValidationError as error:
        problems = [f"`{'.'.join(map(str, e['loc']))}`: {e['msg']}" for e in error.errors()]
        raise AnswerRefused("The json block does not fit: " + "; ".join(problems[:6])) from error
