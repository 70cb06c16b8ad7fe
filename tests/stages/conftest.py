"""A study over the quick setting: real folder, real processes, answers given by the test."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator import inputs
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.backends.sandbox import probe
from orchestrator.models.calls import FREE, Terms
from orchestrator.models.gateway import Gateway
from orchestrator.outside import Answer
from orchestrator.protocols import EditReply
from orchestrator.records import Plan, PlannedRun, Step
from orchestrator.stages.prepare import prepare_data
from orchestrator.study import Backends, Setting, Study
from orchestrator.workspace import Workspace
from tests.conftest import QUICK


@dataclass
class Scripted:
    """A provider that gives the test's answers in turn and keeps the requests."""

    answers: list[str] = field(default_factory=list)
    requests: list = field(default_factory=list)

    def terms(self, stage):
        return Terms(provider="scripted", model="", price=FREE, metered=False)

    def answer(self, request):
        self.requests.append(request)
        return Answer(text=self.answers.pop(0), model="scripted")


@dataclass
class Typist:
    """A coder that returns the test's texts in turn; it keeps the instructions."""

    texts: list = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)

    def edit(self, task, ask):
        self.instructions.append(task.instruction)
        change = self.texts.pop(0)
        ((name, before),) = task.editable.items()
        return EditReply(files={name: change(before)}, transcript="")


@dataclass
class Quiet:
    """A screen that keeps what it was told."""

    lines: list[str] = field(default_factory=list)

    def stage(self, stage, detail=""):
        self.lines.append(f"{stage} {detail}".strip())

    def note(self, text):
        self.lines.append(text)

    def progress(self, what, done, total):
        self.lines.append(f"{what} {done}/{total}")


@pytest.fixture
def llm():
    return Scripted()


@pytest.fixture
def coder():
    return Typist()


@pytest.fixture
def study(tmp_path, llm, coder):
    folder = QUICK / "quick_fit"
    template = inputs.load_template(folder)
    workspace = Workspace.create(tmp_path / "runs", "quick_momentum")
    for name in ("experiment.py", "plot.py"):
        workspace.write(name, (folder / name).read_bytes())
    executor = LocalExecutor(probe().level)
    setting = Setting(template, template.profiles[0], folder, Path(sys.executable), tmp_path / "cache")
    backends = Backends(Gateway(llm, workspace), coder, executor, Latexmk(executor), Quiet())
    yield Study(inputs.load_idea(QUICK / "quick_momentum.json"), setting, workspace, backends, "Scripted answers.")
    workspace.journal.close()


@pytest.fixture
def parts(study):
    return prepare_data(study).parts


ARM = PlannedRun(name="momentum", goal="Add momentum.")
BASELINE = Step(number=0, attempt=1)
FIRST = Step(number=1, attempt=1, planned=ARM)
PLAN = Plan(hypotheses=(), runs=(ARM,))
