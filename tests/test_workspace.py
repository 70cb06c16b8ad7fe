"""An idea folder: files are written whole, attempts are kept, commits touch no foreign configuration."""

import subprocess

import pytest

from orchestrator.errors import BadInput
from orchestrator.records import PlannedRun, Step
from orchestrator.workspace import Workspace

STEP = Step(number=1, attempt=1, planned=PlannedRun(name="arm", goal="g"))


@pytest.fixture
def workspace(tmp_path):
    made = Workspace.create(tmp_path / "runs", "idea")
    yield made
    made.journal.close()


def test_two_folders_of_the_same_second_do_not_collide(tmp_path):
    made = [Workspace.create(tmp_path, "idea") for _ in range(3)]
    assert len({workspace.root for workspace in made}) == 3


def test_a_runs_folder_that_cannot_be_written_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--runs"):
        Workspace.create(tmp_path / "file", "idea")


def test_a_rejected_run_is_kept_with_everything_in_it(workspace):
    (workspace.fresh_run_dir(STEP) / "stderr.log").write_text("why")
    kept = workspace.keep_attempt(STEP)
    assert (kept / "stderr.log").read_text() == "why"
    assert workspace.relative(kept) == "attempts/run_1.1"
    assert not workspace.run_dir(STEP).exists()


def test_what_an_interrupted_run_left_is_kept_apart(workspace):
    (workspace.fresh_run_dir(STEP) / "half").write_text("done")
    fresh = workspace.fresh_run_dir(STEP)
    assert list(fresh.iterdir()) == []
    assert (workspace.path("attempts/run_1.1-interrupted") / "half").read_text() == "done"
    (fresh / "half").write_text("again")
    workspace.fresh_run_dir(STEP)
    assert (workspace.path("attempts/run_1.1-interrupted-2") / "half").read_text() == "again"


def test_an_interrupted_run_finds_its_checkpoints_again(workspace):
    step = Step(number=1, attempt=1)
    (workspace.fresh_run_dir(step) / "checkpoints").mkdir()
    (workspace.run_dir(step) / "checkpoints" / "arm.pt").write_text("half way")
    (workspace.run_dir(step) / "progress.jsonl").write_text("")
    folder = workspace.fresh_run_dir(step)
    assert [path.name for path in folder.iterdir()] == ["checkpoints"]
    assert (folder / "checkpoints" / "arm.pt").read_text() == "half way"


def test_commits_ignore_hooks_and_foreign_configuration(workspace, monkeypatch, tmp_path):
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\n\tgpgsign = true\n[user]\n\tname = Somebody Else\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    workspace.write("experiment.py", "a = 1\n")
    first = workspace.commit("experiment.py", "first")
    hook = workspace.path(".git/hooks/pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    workspace.write("experiment.py", "a = 2\n")
    second = workspace.commit("experiment.py", "second")
    assert first != second
    assert workspace.commit("experiment.py", "nothing changed") == second
    assert workspace.text_at(first, "experiment.py") == "a = 1\n"
    log = subprocess.run(
        ["git", "log", "--format=%an"],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert log.stdout.split() == ["Groundwork", "Groundwork"]


def test_a_planted_link_is_replaced_and_never_followed(workspace, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_text("mine")
    for name in ("run.json", ".run.json.part"):
        workspace.path(name).symlink_to(treasure)
    workspace.write("run.json", "ours")
    assert treasure.read_text() == "mine"
    assert workspace.read("run.json") == "ours"
    assert not workspace.path("run.json").is_symlink()
