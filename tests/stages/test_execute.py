"""One run: confined, graded outside, gated; a failure is data."""

import json

import pytest

from orchestrator.records import Edit, FinalInfo, Finding, Run
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from tests.stages.conftest import BASELINE, FIRST


def ran(study, parts, text):
    """Execute run 1 with `text` as its experiment.py."""
    study.workspace.write("experiment.py", text)
    return execute_run(FIRST, Edit(path="experiment.py", commit="x"), parts, study)


def test_the_baseline_goes_the_same_way_as_every_run(study, parts):
    run = execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    assert run.accepted
    assert run.path == "run_0"
    info = FinalInfo.model_validate_json(study.workspace.read("run_0/final_info.json"))
    assert list(info.root) == ["lr=0.05", "lr=0.1", "lr=0.2"]
    assert all(len(condition.final_info_dict["mse"]) == 3 for condition in info.root.values())
    job = json.loads(study.workspace.read("run_0/job.json"))
    assert job["seeds"] == list(study.setting.seeds)
    assert set(job["data"]) == {"train", "tune"}


def test_earlier_results_reach_later_jobs(study, parts):
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    ran(study, parts, (study.setting.folder / "experiment.py").read_text())
    earlier = json.loads(study.workspace.read("run_1/job.json"))["earlier"]
    assert len(earlier["run_0"]["lr=0.1"]["self_reported"]["mean_loss"]) == 3


def test_a_crash_is_kept_with_its_logs(study, parts):
    run = ran(study, parts, "import sys\nprint('before')\nraise KeyError('gone')\n")
    assert [finding.code for finding in run.findings] == ["crashed"]
    assert "KeyError: 'gone' at experiment.py:3" in run.findings[0].message
    assert run.path == "attempts/run_1.1"
    assert run.findings[0].where == "attempts/run_1.1/stderr.log"
    assert study.workspace.read("attempts/run_1.1/stdout.log") == "before\n"
    assert not study.workspace.path("run_1").exists()


def test_a_refused_edit_runs_nothing_and_is_an_attempt(study, parts):
    finding = Finding(code="no-edit", severity="error", message="nothing changed")
    run = execute_run(FIRST, Edit(path="experiment.py", findings=(finding,)), parts, study)
    assert not run.accepted
    assert run.process is None
    assert Run.model_validate_json(study.workspace.read("attempts/run_1.1/run.json")) == run


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("open('run_1/final_info.json', 'w').write('{\"a\": {}}')\n", "no-metrics"),
        ("open('run_1/job.json', 'w').write('{}')\n", "crashed"),
        ("import os\nos.rename('run_1/job.json', 'run_1/other.json')\n", "crashed"),
        ("import json\nfor _ in range(3):\n    open('run_1/progress.jsonl', 'a').write('{\"loss\": NaN}\\n')\n"
         "import time\ntime.sleep(30)\n", "non-finite"),
    ],
)  # fmt: skip
def test_what_a_run_may_not_do(study, parts, text, code):
    run = ran(study, parts, text)
    assert run.findings[0].code == code
    assert not run.accepted


def test_nothing_outside_the_run_directory_can_be_written(study, parts):
    before = {path: path.read_bytes() for path in study.workspace.root.rglob("*") if path.is_file()}
    names = ("experiment.py", "journal.jsonl", "new")
    ran(study, parts, "".join(f"try:\n    open({n!r}, 'w')\nexcept OSError as e:\n    print(e)\n" for n in names))
    after = {path: path.read_bytes() for path in study.workspace.root.rglob("*") if path.is_file()}
    assert not study.workspace.path("new").exists()
    assert after[study.workspace.path("journal.jsonl")].startswith(before[study.workspace.path("journal.jsonl")])
    assert b"except OSError" in after[study.workspace.path("experiment.py")]


def test_a_run_cannot_read_what_it_will_be_graded_with(study, parts):
    run = ran(study, parts, f"import os\nprint(os.listdir({parts['dev']!r}))\n")
    assert "FileNotFoundError" in run.findings[0].message


def test_a_recorded_run_is_not_executed_again(study, parts):
    first = ran(study, parts, "raise SystemExit(3)\n")
    assert ran(study, parts, "print('would succeed')\n") == first
