"""A part that isn't stored reaches a run from a producer beside it; one that ends early is no fault of the run."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import inputs
from orchestrator.errors import GroundworkError
from orchestrator.observing import GIVEN
from orchestrator.records import Edit, Run
from orchestrator.stages.execute import execute_run
from orchestrator.stages.prepare import prepare_data
from orchestrator.supply import MARK, supplied
from tests.stages.conftest import FIRST, coder, llm, study  # noqa: F401 - fixtures

STREAM = """
import argparse, pathlib, shutil, sys, time
parser = argparse.ArgumentParser()
for flag in ("--part", "--run", "--out"):
    parser.add_argument(flag, type=pathlib.Path)
args = parser.parse_args()
print("ready", flush=True)
while not (args.run / "wanted").exists():
    time.sleep(0.01)
if (args.run / "wanted").read_text() == "die":
    sys.exit("no memory for the model")
shutil.copy(args.part / "part.npz", args.out / "part.npz")
time.sleep(60)
"""
ASKS = """
import json, pathlib, sys, time
run = pathlib.Path("run_1")
train = pathlib.Path(json.loads((run / "job.json").read_text())["data"]["train"])
(run / "wanted").write_text("WHAT")
while not (train / "part.npz").exists():
    time.sleep(0.01)
print(sorted(path.name for path in train.iterdir()))
try:
    (train / "mine").touch()
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture
def streaming(study, tmp_path):  # noqa: F811
    """A study whose train part is streamed."""
    folder = shutil.copytree(study.setting.folder, tmp_path / "quick_fit", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "quick_fit" / "stream.py").write_text(STREAM)
    text = (folder / "template.toml").read_text()
    (folder / "template.toml").write_text(
        text.replace("[commands]\n", '[commands]\nstream = ["-m", "quick_fit.stream"]\n')
    )
    setting = replace(study.setting, folder=folder, template=inputs.load_template(folder))
    return replace(study, setting=setting)


@pytest.fixture
def parts(streaming):
    """The parts, with train marked as not stored."""
    parts = prepare_data(streaming).parts
    (Path(parts["train"]) / MARK).write_text("{}")
    return parts


def ran(study, parts, what):  # noqa: F811
    study.workspace.write("experiment.py", ASKS.replace("WHAT", what))
    return execute_run(FIRST, Edit(path="experiment.py", commit="x"), parts, study)


def test_a_stored_part_is_given_as_it_is(study):  # noqa: F811
    parts = prepare_data(study).parts
    with supplied(FIRST, parts, study) as supply:
        assert supply.folders == {part: parts[part] for part in ("train", "tune")}
        assert supply.watch() == ""


def test_a_streamed_part_comes_while_the_run_runs_and_is_read_only(streaming, parts):
    run = ran(streaming, parts, "more")
    log = streaming.workspace.read(f"{run.path}/stdout.log")
    assert "['part.npz']" in log
    assert "Read-only file system" in log
    assert parts["train"] not in streaming.workspace.read(f"{run.path}/{GIVEN}")
    assert list(streaming.workspace.path(".stream").iterdir()) == [streaming.workspace.path(".stream/run_1.1.log")]


def test_a_producer_that_ends_stops_the_idea_and_is_no_attempt(streaming, parts):
    with pytest.raises(GroundworkError, match=r"run_1\.1\.log: the producer of activations ended: no memory"):
        ran(streaming, parts, "die")
    assert streaming.workspace.journal.all("execute", Run) == []


def test_a_producer_that_never_begins_is_named(streaming, parts):
    (streaming.setting.folder / "quick_fit" / "stream.py").write_text("raise OSError('no such model')\n")
    streaming.workspace.fresh_run_dir(FIRST)
    with (
        pytest.raises(GroundworkError, match="ended: OSError: no such model"),
        supplied(FIRST, parts, streaming),
    ):
        pytest.fail("a run would have begun")
