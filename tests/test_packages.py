"""A package that a run lacks is the user's to allow: a yes makes an environment and every run anew."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from orchestrator import attempts, inputs
from orchestrator.journal import Journal
from orchestrator.records import Decision
from tests.conftest import QUICK

PACKAGE = "groundwork-tiny"
CODE = "RATE = 0.4\n"
PLAN = {
    "hypotheses": [{"id": "H1", "metric": "mse", "direction": "lower", "arm": "large", "reference": "baseline@lr=0.2"}],
    "runs": [{"name": "small", "goal": "A small step."}, {"name": "large", "goal": "The step of groundwork_tiny."}],
}
CURVE = 'CONDITIONS = {"lr=0.05": {"lr": 0.05}, "lr=0.1": {"lr": 0.1}, "lr=0.2": {"lr": 0.2}}'
SMALL = 'CONDITIONS = {"small": {"lr": 0.02}}'


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with one wheel, made here: a module with a constant."""
    folder = tmp_path_factory.mktemp("wheels")
    info = "groundwork_tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "groundwork_tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("groundwork_tiny.py", CODE)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: groundwork-tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def pip(wheels, monkeypatch):
    """Let pip find the wheel and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))


def entry(stage, step, answer, attempt=0):
    return json.dumps({"stage": stage, "step": step, "attempt": attempt, "answer": answer}) + "\n"


def block(value):
    return f"```json\n{json.dumps(value)}\n```"


def edit(old, new):
    return f"experiment.py\n```\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


def noted(**more):
    return block({"notes": "A remark.", **more})


def wanted(module="groundwork_tiny"):
    return edit(SMALL, f'import {module}\n\nCONDITIONS = {{"large": {{"lr": {module}.RATE}}}}')


@pytest.fixture
def idea(tmp_path):
    """The quick idea with a session in which run 2 needs a package; it ends after the experiments."""
    shutil.copytree(QUICK / "quick_fit", tmp_path / "quick_fit")
    shutil.copy(QUICK / "quick_momentum.json", tmp_path)
    header = {"kind": "scripted", "idea": "quick_momentum", "model": "none", "date": "2026-11-21"}
    answers = [
        entry("plan", "", block(PLAN)),
        *(entry("record", step, noted()) for step in ("run_0.1", "run_1.1", "run_0.2", "run_1.2", "run_2.2")),
        entry("edit", "run_1.1", edit(CURVE, SMALL)),
        entry("edit", "run_2.1", wanted()),
        entry("record", "run_2.1", noted(needs=[PACKAGE])),
        entry(
            "edit", "run_2.2", edit("import groundwork_tiny\n\n", "").replace("<<<<<<< SEARCH\n", "<<<<<<< SEARCH\n")
        ),
    ]
    path = tmp_path / "quick_momentum.session.jsonl"
    path.write_text(json.dumps(header) + "\n" + "".join(answers))
    return tmp_path / "quick_momentum.json"


@pytest.fixture
def asked(idea, launch, tmp_path, pip):
    """The idea folder, where it stopped to ask; environments made for it are removed at the end."""
    before = set(inputs.ENVIRONMENTS.glob("quick_fit-*"))
    done = launch("--idea", idea, "--runs", tmp_path / "runs", "--fresh-baseline")
    (folder,) = (tmp_path / "runs").iterdir()
    yield folder, done
    for made in set(inputs.ENVIRONMENTS.glob("quick_fit-*")) - before:
        shutil.rmtree(made)


def journal(folder):
    return Journal(folder / "journal.jsonl", writable=False)


def test_without_a_terminal_it_stops_and_says_how_to_go_on(asked):
    folder, done = asked
    assert done.returncode == 1
    assert f"launch.py resume {folder} --allow-package {PACKAGE}" in done.stderr
    assert f"--deny-package {PACKAGE}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(inputs.ENVIRONMENTS.glob("quick_fit-*"))


def test_a_yes_makes_an_environment_and_executes_every_run_again(asked, launch):
    folder, _ = asked
    done = launch("resume", folder, "--allow-package", PACKAGE)
    assert "no answer for stage 'plot'" in done.stderr, done.stderr
    runs = attempts.attempts(journal(folder))
    assert [(run.step.label, run.accepted) for run in runs] == [
        ("run_0.1", False), ("run_1.1", False), ("run_2.1", False), ("run_0.2", True), ("run_1.2", True),
        ("run_2.2", True),
    ]  # fmt: skip
    assert [run.path for run in runs[:3]] == ["attempts/run_0.1", "attempts/run_1.1", "attempts/run_2.1"]
    assert json.loads((folder / "run_2" / "final_info.json").read_text())["large"]["config"]["lr"] == 0.4
    lock = (folder / "template.requirements.lock").read_text()
    assert lock.startswith((inputs.REPOSITORY / "requirements.lock").read_text().rstrip())
    assert f"# added for {PACKAGE}\ngroundwork-tiny==1.0" in lock.replace("_", "-")
    decision = journal(folder).find("package", PACKAGE, Decision)
    python = inputs.ENVIRONMENTS / decision.environment / "bin" / "python"
    shown = subprocess.run([python, "-c", "import numpy, groundwork_tiny"], capture_output=True, check=False)
    assert shown.returncode == 0, shown.stderr
    evidence = json.loads((folder / "evidence.json").read_text())
    assert {finding["code"] for finding in evidence["findings"]} == {"superseded"}
    notes = " ".join((folder / "notes.txt").read_text().split())
    assert f"The model asked for the package {PACKAGE}; the user said yes." in notes
    assert launch("verify", folder).returncode == 0


def test_a_no_tells_the_model_that_there_is_none(asked, launch):
    folder, _ = asked
    done = launch("resume", folder, "--deny-package", PACKAGE)
    assert done.returncode == 1
    prompts = [p.read_text() for p in (folder / "calls").iterdir()]
    assert any(f"The user was asked, and said no to: {PACKAGE}." in prompt for prompt in prompts)
    assert "said no" in (folder / "notes.txt").read_text()
    assert [run.step.label for run in attempts.accepted(journal(folder))][:2] == ["run_0.1", "run_1.1"]


def test_a_package_that_cannot_be_had_changes_nothing(asked, launch, monkeypatch, tmp_path):
    folder, _ = asked
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    done = launch("resume", folder, "--allow-package", PACKAGE)
    assert done.returncode == 1
    assert "can't be installed" in done.stderr
    assert journal(folder).find("package", PACKAGE, Decision) is None
    assert [run.accepted for run in attempts.attempts(journal(folder))] == [True, True, False]


@pytest.mark.parametrize("name", ["--index-url=http://x", "git+https://x/y", "a b", "../wheel", "x[extra]"])
def test_only_a_plain_name_is_a_package(tmp_path, launch, quick_run, name):
    done = launch("resume", quick_run, "--allow-package", name)
    assert done.returncode == 2


def test_a_terminal_asks(idea, tmp_path, pip):
    import os
    import pty

    read, write = pty.openpty()
    os.write(read, b"n\n")
    root = Path(inputs.REPOSITORY)
    command = [sys.executable, str(root / "launch.py"), "--idea", str(idea), "--runs", str(tmp_path / "runs")]
    done = subprocess.run(command, stdin=write, capture_output=True, text=True, timeout=120, check=False)
    os.close(read)
    os.close(write)
    (folder,) = (tmp_path / "runs").iterdir()
    assert f"asks for {PACKAGE}. Install it" in done.stderr
    assert not journal(folder).find("package", PACKAGE, Decision).allowed
