"""One run: confined, graded outside, gated; a failure is data."""

import json

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.evidence.facts import RunFacts
from orchestrator.observing import Seal
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
    ran(study, parts, (study.setting.folder / "experiment.py").read_text().replace("0.05", "0.4"))
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
        ("open('run_1/final_info.json', 'w').write('{\"a\": {}}')\n", "stale-result"),
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


def test_a_baseline_that_does_not_hold_is_named_so(study, parts):
    study.workspace.write("experiment.py", "raise ValueError\n")
    run = execute_run(BASELINE, Edit(path="experiment.py", commit="x"), parts, study)
    assert [finding.code for finding in run.findings] == ["crashed", "baseline-invalid"]
    assert run.findings[1].where == "attempts/run_0.1/stderr.log"


def test_a_fault_of_the_users_is_no_attempt_and_resuming_tries_again(study, parts):
    text = "raise OSError(122, 'Disk quota exceeded', 'run_1/weights')\n"
    with pytest.raises(GroundworkError, match="free some space"):
        ran(study, parts, text)
    assert study.workspace.journal.all("execute", Run) == []
    with pytest.raises(GroundworkError, match="free some space"):
        ran(study, parts, text)
    assert study.workspace.path("attempts/run_1.1-interrupted/stderr.log").is_file()


def test_a_killed_baseline_is_the_users_and_a_killed_run_is_data(study, parts):
    text = "import os\nos.kill(os.getpid(), 9)\n"
    assert [finding.code for finding in ran(study, parts, text).findings] == ["killed"]
    with pytest.raises(GroundworkError, match="ended from outside"):
        execute_run(BASELINE, Edit(path="experiment.py", commit="x"), parts, study)


def test_facts_and_hashes_of_a_graded_run_are_kept(study, parts):
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    facts = RunFacts.model_validate_json(study.workspace.read("run_0/facts.json"))
    assert facts.seeds == study.setting.seeds
    assert len(facts.counters) == 9
    assert len(facts.artefacts) == 27
    seal = study.workspace.journal.find("seal", "run_0.1", Seal)
    assert seal.files["run_0/final_info.json"] == facts.result_sha256 == study.workspace.sha256("run_0/final_info.json")


def test_a_result_that_changed_since_stops_the_idea(study, parts):
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    study.workspace.write("run_0/final_info.json", study.workspace.read("run_0/final_info.json").replace("0.0", "0.1"))
    with pytest.raises(GroundworkError, match="changed since run_0 was graded"):
        ran(study, parts, "pass\n")
