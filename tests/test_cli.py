"""Flags and mistakes: one line that names file and field, exit status 2, no traceback, nothing lost."""

import json
import subprocess
import sys

import pytest

from tests.conftest import QUICK, ROOT

IDEA = {"Name": "some_idea", "Title": "T", "Experiment": "E", "template": "temporal_sae"}


def refused(done, *words):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    message = done.stderr.strip()
    assert len(message.splitlines()) == 1, message
    for word in words:
        assert word in message


def test_help_names_the_commands(launch):
    done = launch("--help")
    assert done.returncode == 0
    for word in ("--idea", "resume RUN", "list"):
        assert word in done.stdout


def test_an_idea_that_does_not_exist(launch):
    refused(launch("--idea", "adaptive_temporal_sea"), "adaptive_temporal_sea", "did you mean adaptive_temporal_sae")


def test_broken_json(launch, tmp_path):
    (tmp_path / "idea.json").write_text('{"Name": "x",\n "Title": }')
    refused(launch("--idea", tmp_path / "idea.json"), "idea.json", "line 2, column 11")


@pytest.mark.parametrize("key", IDEA)
def test_missing_keys(launch, tmp_path, key):
    (tmp_path / "idea.json").write_text(json.dumps({k: v for k, v in IDEA.items() if k != key}))
    refused(launch("--idea", tmp_path / "idea.json"), "idea.json", key)


def test_an_idea_without_a_session(launch, tmp_path):
    (tmp_path / "idea.json").write_text(json.dumps(IDEA))
    refused(launch("--idea", tmp_path / "idea.json"), "idea.session.jsonl", "--model")


def test_unknown_template_profile_model_flag_and_run(launch, tmp_path):
    (tmp_path / "idea.json").write_text(json.dumps({**IDEA, "template": "temporal_sea"}))
    refused(launch("--idea", tmp_path / "idea.json"), "template 'temporal_sea'", "did you mean temporal_sae")
    quick = QUICK / "quick_momentum.json"
    refused(launch("--idea", quick, "--profile", "huge"), "template.toml", "no profile 'huge'", "cpu")
    refused(launch("--idea", quick, "--model", "gpt"), "--model gpt")
    refused(launch("--idea", quick, "--no-such-flag"), "--no-such-flag")
    refused(launch("resume", "nowhere", "--runs", tmp_path), "nowhere: no idea folder")


def test_a_runs_folder_that_cannot_be_written(launch, tmp_path):
    (tmp_path / "file").write_text("")
    refused(launch("--idea", QUICK / "quick_momentum.json", "--runs", tmp_path / "file"), "file", "--runs")


def test_a_broken_session_names_its_line(launch, tmp_path):
    lines = (QUICK / "quick_momentum.session.jsonl").read_text().splitlines()
    (tmp_path / "s.jsonl").write_text("\n".join([lines[0], '{"stage": 3}']))
    refused(launch("--idea", QUICK / "quick_momentum.json", "--model", f"replay:{tmp_path / 's.jsonl'}"), "s.jsonl:2")


def test_a_session_that_lacks_an_answer_stops_with_status_1_and_says_how_to_go_on(launch, tmp_path):
    lines = (QUICK / "quick_momentum.session.jsonl").read_text().splitlines()
    short = [line for line in lines if '"stage":"record"' not in line]
    (tmp_path / "s.jsonl").write_text("\n".join(short))
    arguments = ("--runs", tmp_path / "runs", "--model", f"replay:{tmp_path / 's.jsonl'}")
    done = launch("--idea", QUICK / "quick_momentum.json", *arguments)
    assert done.returncode == 1
    assert "no answer for stage 'record', step 'run_0.1'" in done.stderr
    assert "launch.py resume" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_bubblewrap_the_flag_is_named_and_works(launch, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "prlimit"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    arguments = ("--idea", QUICK / "quick_momentum.json", "--runs", tmp_path / "runs")
    refused(launch(*arguments, env={"PATH": str(tools)}), "bubblewrap", "--allow-unsandboxed")
    assert not (tmp_path / "runs").exists()
    done = launch(*arguments, "--allow-unsandboxed", env={"PATH": str(tools)})
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert "without a sandbox" in (folder / "notes.txt").read_text()
    assert json.loads((folder / "sandbox.json").read_text())["level"] == "none"


def test_the_list_shows_ideas_templates_and_runs(launch, quick_run):
    done = launch("list", "--runs", quick_run.parent)
    assert done.returncode == 0
    assert "idea      adaptive_temporal_sae  (bundled session)" in done.stdout
    assert "template  temporal_sae" in done.stdout
    assert f"run       {quick_run.name}  (last: review)" in done.stdout


def test_any_python_finds_the_environment_and_without_one_setup_is_named(tmp_path):
    other = sys.base_prefix + "/bin/python3"
    done = subprocess.run([other, "launch.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    (tmp_path / "launch.py").write_text((ROOT / "launch.py").read_text())
    alone = subprocess.run([other, "launch.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert "scripts/setup" in alone.stderr
