"""The whole loop on the quick setting: resumed wherever it is stopped, and the same in the end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.pipeline import STAGES, next_step
from orchestrator.records import Plan, PlannedRun
from tests.conftest import QUICK, ROOT

IDEA = QUICK / "quick_momentum.json"
RUNS = (PlannedRun(name="a", goal="g"), PlannedRun(name="b", goal="g"))


def kinds(folder: Path) -> list[str]:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [event["kind"] for event in map(json.loads, lines)]


def values(folder: Path) -> dict[str, list[float]]:
    return {e["id"]: e["per_seed"] for e in json.loads((folder / "evidence.json").read_text())["entries"]}


def test_the_next_step_follows_from_the_plan_alone():
    assert next_step(Plan(hypotheses=(), runs=RUNS)).label == "run_0.1"
    step = next_step(Plan(hypotheses=(), runs=RUNS, number=1, attempt=3))
    assert (step.label, step.planned.name) == ("run_1.3", "a")
    assert next_step(Plan(hypotheses=(), runs=(), number=3)) is None


def test_stages_come_in_their_order(quick_run):
    first = {kind: n for n, kind in reversed(list(enumerate(kinds(quick_run))))}
    assert sorted(STAGES, key=first.__getitem__) == list(STAGES)


def test_a_crash_a_no_op_and_a_malformed_answer_are_survived_and_kept(quick_run):
    assert "UnboundLocalError" in (quick_run / "attempts/run_1.1/stderr.log").read_text()
    assert "no-edit" in (quick_run / "attempts/run_2.1/run.json").read_text()
    assert "sent back: Answer with exactly one fenced" in (quick_run / "screen.txt").read_text()
    assert {path.name for path in quick_run.glob("run_*")} == {"run_0", "run_1", "run_2"}


def test_the_last_run_reaches_the_notes(quick_run):
    notes = (quick_run / "notes.txt").read_text()
    assert "## run_2: large_step" in notes
    assert "The control: no momentum" in notes


@pytest.mark.parametrize(
    ("after", "how"),
    [
        ("begin", signal.SIGINT),
        ("plan", signal.SIGKILL),
        ("execute", signal.SIGINT),
        ("record", signal.SIGKILL),
        ("plot", signal.SIGTERM),
        ("write", signal.SIGKILL),
    ],
)
def test_stopped_anywhere_it_resumes_to_the_same_values(quick_run, tmp_path, launch, after, how):
    command = [sys.executable, str(ROOT / "launch.py"), "--idea", str(IDEA), "--runs", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = list(tmp_path.glob("*/journal.jsonl"))
        if found and f'"kind":"{after}"' in found[0].read_text():
            process.send_signal(how)
            break
        time.sleep(0.01)
    _, stderr = process.communicate(timeout=30)
    (folder,) = tmp_path.iterdir()
    if how is not signal.SIGKILL:
        assert process.returncode == 130, stderr
        assert "Traceback" not in stderr
        assert f"resume {folder}" in stderr.replace("\n", " ")
    resumed = launch("resume", folder.name, "--runs", tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert values(folder) == values(quick_run)
    assert kinds(folder).count("confirm") == 1


def test_a_finished_folder_resumes_to_nothing(quick_run, launch):
    before = (quick_run / "journal.jsonl").read_bytes()
    assert launch("resume", quick_run).returncode == 0
    assert (quick_run / "journal.jsonl").read_bytes() == before


def test_a_folder_whose_template_changed_is_not_resumed(quick_run, tmp_path, launch):
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(quick_run), str(folder)], check=True)
    lock = json.loads((folder / "template.lock").read_text())
    lock["experiment.py"] = "0" * 64
    (folder / "template.lock").write_text(json.dumps(lock))
    done = launch("resume", folder)
    assert done.returncode == 2
    assert "the template changed" in done.stderr
