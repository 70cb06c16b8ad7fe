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

from orchestrator import inputs, prompts
from orchestrator.errors import AnswersSpent, BadInput
from orchestrator.journal import Journal
from orchestrator.outside import Message, Request
from orchestrator.protocols import Coder, EditFormat, Executor, LanguageModel, Scholar, Screen, Typesetter
from orchestrator.records import Decision, Idea, Limits, Profile, Reused, Step, Template
from orchestrator.workspace import Workspace

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

MAX_ANSWERS = 4
DECISION = "package"
LOCK = "template.requirements.lock"
_BLOCK = re.compile(r"^```([a-z]+)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Backends:
    """The outside world, wired by `cli`."""

    llm: LanguageModel
    coder: Coder
    executor: Executor
    typesetter: Typesetter
    screen: Screen
    scholars: tuple[Scholar, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A template with the scale at which it is used and the places where it lies on this machine.

    `baselines` is the cache of run_0; None executes it always, and keeps none.
    """

    template: Template
    profile: Profile
    folder: Path
    python: Path
    cache: Path
    baselines: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the template's programs."""
        # Threads that spin while they wait take the cores from each other as soon as anything else runs here.
        return {"PYTHONPATH": str(self.folder), "OMP_WAIT_POLICY": "PASSIVE"}

    @property
    def limits(self) -> Limits:
        """What a run may use: the profile's own limits, or the template's."""
        return self.profile.limits or self.template.limits

    @property
    def accelerator(self) -> bool:
        """True where the profile asks for CUDA, or takes it where it is."""
        return str(self.profile.scale().get("device", "")).startswith(("cuda", "auto"))

    @property
    def own_paths(self) -> tuple[Path, ...]:
        """The files and folders of the user's that the profile names: trusted programs read them beside the cache."""
        named = (self.profile.scale().get(key) for key in self.template.path_keys)
        return tuple(Path(value) for value in named if isinstance(value, str) and Path(value).is_absolute())

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every run. They follow from the setting's name: no model chooses them, all ideas share them."""
        return self._drawn("")

    @property
    def fresh_seeds(self) -> tuple[int, ...]:
        """As many other seeds, on which nothing runs before the last exploratory run is done."""
        return self._drawn("fresh/")

    def seeds_for(self, step: Step) -> tuple[int, ...]:
        """Return the seeds of a step's run."""
        return self.fresh_seeds if step.planned and step.planned.fresh else self.seeds

    def _drawn(self, which: str) -> tuple[int, ...]:
        names = (f"{self.template.name}/{self.profile.name}/{which}{index}" for index in range(self.profile.seeds))
        return tuple(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 2**31 for name in names)


@dataclass(frozen=True)
class Study:
    """One idea, carried from plan to paper in its folder.

    `origin` says who answers, and since when; `scripted`: the answers were written in advance; `improve`:
    the paper is revised once after its review.
    """

    idea: Idea
    setting: Setting
    workspace: Workspace
    backends: Backends
    origin: str
    edit_format: EditFormat = "diff"
    scripted: bool = False
    improve: bool = False
    literature: Path | None = None

    @property
    def provenance(self) -> str:
        """Where words and results come from, for people: `origin`, and what was not executed for this idea."""
        return told(self.origin, self.workspace.journal)

    @property
    def python(self) -> Path:
        """The Python of the template's programs: the setting's, or the one with the packages that the user allowed."""
        grown = self._grown()
        if not grown:
            return self.setting.python
        python = inputs.ENVIRONMENTS / grown / "bin" / "python"
        if not python.exists():
            raise BadInput(f"{python}: the environment that was made for this idea is missing; start the idea again")
        return python

    @property
    def readable(self) -> tuple[Path, ...]:
        """What all of the template's programs may read: its folder, and what their environment extends."""
        return (self.setting.folder, *inputs.environment_folders(self.python))

    @property
    def lock(self) -> str:
        """The packages that the template's programs run with, as a requirements file."""
        if self._grown():
            return self.workspace.read(LOCK)
        own = self.setting.folder / "requirements.lock"
        return (own if own.is_file() else inputs.REPOSITORY / "requirements.lock").read_text(encoding="utf-8")

    def _grown(self) -> str:
        allowed = [one.environment for one in self.workspace.journal.all(DECISION, Decision) if one.allowed]
        return allowed[-1] if allowed else ""


def told(origin: str, journal: Journal) -> str:
    """Return `origin` with what was not executed for this idea."""
    reused = journal.all("baseline", Reused)
    if not reused:
        return origin
    made = f"executed on {reused[-1].made_at[:10]} for the idea folder {reused[-1].made_by}"
    return f"{origin} Except run_0: it comes from its cache and was {made}."


def described(study: Study) -> str:
    """Return the template's prompt.md with the profile at which this study runs, and how hypotheses are judged."""
    setting = study.setting
    profile = ", ".join(f"{key} = {value}" for key, value in setting.profile.scale().items())
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
