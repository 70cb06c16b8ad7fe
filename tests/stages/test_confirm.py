"""The test part is scored once, and what the paper may refer to is fixed from then on."""

import json

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.records import Run
from orchestrator.stages.confirm import confirm
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from tests.stages.conftest import BASELINE, FIRST, PLAN
from tests.stages.test_execute import ran


@pytest.fixture
def evidence(study, parts):
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    ran(study, parts, "raise ValueError\n")
    return confirm(parts, PLAN, study)


def test_entries_come_from_the_test_part_with_file_and_hash(study, evidence):
    graded = [entry for entry in evidence.entries if entry.split == "test"]
    assert {entry.metric for entry in graded} == {"mse", "weight_norm"}
    for entry in graded:
        assert study.workspace.sha256(entry.file) == entry.sha256
        value = json.loads(study.workspace.read(entry.file))
        for key in entry.key.split("/"):
            value = value[key]
        assert tuple(value) == entry.per_seed
    dev = json.loads(study.workspace.read("run_0/final_info.json"))
    assert dev["lr=0.1"]["final_info_dict"]["mse"] != [
        value for entry in graded if entry.id == "run_0@lr=0.1/mse" for value in entry.per_seed
    ]


def test_all_attempts_are_counted(evidence):
    assert evidence.counts == {"runs": 1, "attempts": 2, "rejected": 1, "seeds": 3}


def test_it_is_scored_once(study, parts, evidence):
    study.workspace.path("run_0/test_info.json").unlink()
    assert confirm(parts, PLAN, study) == evidence


def test_changed_evidence_is_refused(study, parts, evidence):
    study.workspace.write("evidence.json", study.workspace.read("evidence.json").replace("0.0", "0.1", 1))
    with pytest.raises(GroundworkError, match="changed since it was written"):
        confirm(parts, PLAN, study)


def test_a_rejected_run_is_in_the_journal_but_not_in_the_evidence(study, evidence):
    assert [run.accepted for run in study.workspace.journal.all("execute", Run)] == [True, False]
    assert FIRST.run not in evidence.runs
