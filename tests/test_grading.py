"""The command with which a template's program examines a run, and those of the hosts beside it."""

from pathlib import Path

import pytest

from orchestrator import inputs
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.grading import examination
from orchestrator.records import Decision
from orchestrator.screen import Terminal
from orchestrator.study import DECISION, Backends, Study
from orchestrator.template_check import NoModel, Unchanged
from orchestrator.wiring import open_setting
from orchestrator.workspace import Workspace
from tests.conftest import QUICK


@pytest.fixture
def study(tmp_path):
    """The quick idea in a setting with hosts; its environment extends nothing."""
    folder = QUICK / "quick_fit"
    template = inputs.load_template(folder)
    commands = template.commands.model_copy(update={"host": ("-m", "quick_fit.host")})
    template = template.model_copy(update={"commands": commands})
    workspace, executor = Workspace.create(tmp_path / "runs", "quick"), LocalExecutor("none")
    backends = Backends(NoModel(), Unchanged(), executor, Latexmk(executor), Terminal())
    setting = open_setting(template, template.profiles[0], folder)
    yield Study(inputs.load_idea(QUICK / "quick_momentum.json"), setting, workspace, backends, "Scripted answers.")
    workspace.journal.close()


def examined(study: Study, tmp_path: Path):
    return examination(study, ("-m", "quick_fit.grade"), (tmp_path / "part",), tmp_path / "out", tmp_path / "log")


def test_a_program_reads_what_it_is_given_and_its_hosts_the_template_alone(study, tmp_path):
    command = examined(study, tmp_path)
    assert {study.setting.folder, study.setting.cache, tmp_path / "part"} <= set(command.readable)
    assert command.writable == (tmp_path / "out",)
    assert len(command.beside) == 2
    for host in command.beside:
        assert (host.readable, host.writable) == ((study.setting.folder,), ())


def test_hosts_have_the_packages_that_the_user_allowed(study, tmp_path, monkeypatch):
    packages = tmp_path / "environments/quick_fit-0a1b/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / inputs.EXTENDS).write_text("/below/site-packages\n")
    python = packages.parents[2] / "bin/python"
    python.parent.mkdir()
    python.symlink_to(study.python)
    monkeypatch.setattr(inputs, "ENVIRONMENTS", tmp_path / "environments")
    allowed = Decision(allowed=True, environment="quick_fit-0a1b", lock_sha256="0" * 64)
    study.workspace.journal.append(DECISION, "groundwork-tiny", allowed)
    command = examined(study, tmp_path)
    for one in (command, *command.beside):
        assert one.argv[0] == str(python)
        assert Path("/below/site-packages") in one.readable
