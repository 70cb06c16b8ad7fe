"""A user's own model and text, by paths in a profile of their own, through the whole of temporal_sae, streamed."""

import json
import os
import shutil
import subprocess

import pytest

from tests.conftest import ROOT, missing

TEMPLATE = ROOT / "templates" / "temporal_sae"
PYTHON = ROOT / ".envs" / "temporal_sae" / "bin" / "python"
SAVE = """
import sys
from pathlib import Path
from model_families import save_jsonl, save_model
save_model(Path(sys.argv[1]) / "my-pythia", "pythia")
save_jsonl(Path(sys.argv[1]) / "pages.jsonl", 1200)
"""
# All parts are 215 kB; with a cap of 107 kB train doesn't fit.
PROFILE = """
name = "mine"
base = "smoke"
model = "my-pythia"
text = "pages.jsonl"
layer = 1
context = 6
train_sequences = 1000
tune_sequences = 40
dev_sequences = 40
test_sequences = 40
d_sae = 32
steps = 60
disk_cap_gb = 0.0001
"""


@pytest.fixture
def profile(tmp_path):
    """The profile's file, with model and text beside it."""
    if shutil.which("bwrap") is None:
        missing("bubblewrap is not installed")
    env = {"PYTHONPATH": f"{TEMPLATE}:{TEMPLATE / 'tests'}", "PATH": os.defpath, "HOME": str(tmp_path)}
    subprocess.run([str(PYTHON), "-c", SAVE, str(tmp_path)], env=env, check=True, capture_output=True)
    (tmp_path / "mine.toml").write_text(PROFILE)
    return tmp_path / "mine.toml"


def test_it_is_prepared_streamed_to_the_run_and_graded(profile, tmp_path, launch):
    env = {**os.environ, "GROUNDWORK_CACHE": str(tmp_path / "cache")}
    done = launch("check-template", TEMPLATE, "--profile", profile, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok      the unedited experiment.py runs and passes the gate" in done.stdout
    (mark,) = (tmp_path / "cache").rglob("streamed.json")
    assert json.loads(mark.read_text()) == {"sequences": 1000}
    assert json.loads((mark.parent / "meta.json").read_text())["model_folder"] == str(tmp_path / "my-pythia")
