"""Before anything is spent a profile is checked, and what it lacks is fetched: the template's programs, for real."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from orchestrator import inputs
from orchestrator.errors import BadInput, GroundworkError
from orchestrator.preflight import make_ready
from orchestrator.study import Setting
from tests.conftest import QUICK

PREFLIGHT = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
for flag in ("--profile", "--cache", "--out"):
    parser.add_argument(flag, type=pathlib.Path)
args = parser.parse_args()
profile = json.loads(args.profile.read_text())
missing = [] if (args.cache / "model").exists() else ["model"]
expected = {"memory_mb": profile.get("memory", 10), "artefacts_mb": profile.get("artefacts", 0)}
assert "HF_TOKEN" not in os.environ
answer = {"problems": profile.get("problems", []), "fetch": missing, "expected": expected}
(args.out / "preflight.json").write_text(json.dumps(answer))
"""
FETCH = """
import argparse, os, pathlib, sys
parser = argparse.ArgumentParser()
for flag in ("--profile", "--cache"):
    parser.add_argument(flag, type=pathlib.Path)
args = parser.parse_args()
if os.environ.get("HF_TOKEN") != "good":
    sys.exit("a traceback's line\\nhub/model: access is gated; set HF_TOKEN")
print("downloading")
(args.cache / "model").touch()
"""


@pytest.fixture
def folder(tmp_path):
    """The quick template with a preflight and a fetch."""
    copy = shutil.copytree(QUICK / "quick_fit", tmp_path / "quick_fit", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "quick_fit" / "preflight.py").write_text(PREFLIGHT)
    (copy / "quick_fit" / "fetch.py").write_text(FETCH)
    text = (copy / "template.toml").read_text()
    programs = 'fetch = ["-m", "quick_fit.fetch"]\npreflight = ["-m", "quick_fit.preflight"]\n'
    (copy / "template.toml").write_text(text.replace("[commands]\n", f"[commands]\n{programs}"))
    return copy


def setting(folder, tmp_path, **keys):
    template = inputs.load_template(folder)
    profile = template.profiles[0].model_copy(update=keys)
    return Setting(template, profile, folder, Path(sys.executable), tmp_path / "cache")


def test_what_is_missing_is_fetched_with_the_users_token_and_then_checked_again(folder, tmp_path, capfd):
    said = []
    make_ready(setting(folder, tmp_path), tmp_path / "runs", "good", said.append)
    assert said == ["cpu: fetching model", "cpu: memory_mb 10, artefacts_mb 0"]
    assert "downloading" in capfd.readouterr().err
    make_ready(setting(folder, tmp_path), tmp_path / "runs", None, said.append)
    assert said[2:] == ["cpu: memory_mb 10, artefacts_mb 0"]


def test_what_cannot_be_fetched_is_the_users_to_mend(folder, tmp_path):
    with pytest.raises(BadInput, match="profile 'cpu': hub/model: access is gated; set HF_TOKEN"):
        make_ready(setting(folder, tmp_path), tmp_path / "runs", "bad", lambda text: None)


def test_all_problems_are_said_at_once_and_nothing_is_fetched(folder, tmp_path):
    wrong = setting(folder, tmp_path, problems=["layer: 9 does not exist", "text: too short"])
    with pytest.raises(BadInput, match="layer: 9 does not exist; text: too short"):
        make_ready(wrong, tmp_path / "runs", "good", lambda text: None)
    assert not (tmp_path / "cache" / "model").exists()


def test_limits_and_the_disk_of_the_runs_are_checked_too(folder, tmp_path):
    large = setting(folder, tmp_path, memory=1500, artefacts=10**12)
    with pytest.raises(BadInput, match=r"limits\.memory_mb: 1024 are allowed and about 1500 needed.*artefacts"):
        make_ready(large, tmp_path / "runs", "good", lambda text: None)


def test_a_preflight_that_breaks_is_not_the_users_fault(folder, tmp_path):
    (folder / "quick_fit" / "preflight.py").write_text("raise KeyError('steps')\n")
    with pytest.raises(GroundworkError, match="preflight failed: KeyError: 'steps'"):
        make_ready(setting(folder, tmp_path), tmp_path / "runs", None, lambda text: None)


def test_a_wrong_profile_ends_before_anything_is_written(folder, tmp_path, launch):
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\nbase = "cpu"\nproblems = ["steps: too few"]\n')
    flags = ("--idea", QUICK / "quick_momentum.json", "--template", folder, "--runs", tmp_path / "runs")
    done = launch(*flags, "--profile", profile)
    assert done.returncode == 2
    assert "profile 'mine': steps: too few" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_idea_is_resumed_without_the_users_file(tmp_path, launch):
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\nbase = "cpu"\nseeds = 2\n')
    flags = ("--idea", QUICK / "quick_momentum.json", "--runs", tmp_path / "runs")
    empty = tmp_path / "empty.session.jsonl"
    header = (QUICK / "quick_momentum.session.jsonl").read_text().splitlines()[0]
    empty.write_text(header + "\n")
    assert launch(*flags, "--profile", profile, "--model", f"replay:{empty}").returncode == 1
    (folder,) = (tmp_path / "runs").iterdir()
    profile.unlink()
    assert json.loads((folder / "profile.json").read_text())["seeds"] == 2
    assert "no session entry" in (resumed := launch("resume", folder)).stderr or resumed.returncode == 1
    assert "mine.toml" not in resumed.stderr
