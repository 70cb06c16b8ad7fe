"""The test part is scored once, and what the paper may refer to is fixed from then on."""

import json

import numpy as np
import pytest

from orchestrator.errors import GroundworkError
from orchestrator.records import Hypothesis, Run
from orchestrator.stages.confirm import confirm
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from orchestrator.verify import verify
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


HONEST = ("lr=0.05", "arm=0.05")


@pytest.fixture
def two_runs(study, parts):
    """A baseline and an accepted run 1 of a higher degree, on which a hypothesis was frozen."""
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)
    text = (study.setting.folder / "experiment.py").read_text()
    assert ran(study, parts, text.replace(*HONEST).replace('job["profile"]["degree"]', "9")).accepted
    hypothesis = Hypothesis(id="H1", metric="mse", direction="lower", arm="momentum", reference="baseline@lr=0.2")
    return PLAN.model_copy(update={"hypotheses": (hypothesis,)})


@pytest.mark.parametrize("name", ["final_info.json", "job.json", "facts.json", "weights.npy"])
def test_a_run_whose_files_changed_is_withdrawn_and_the_rest_stands(study, parts, two_runs, name):
    path = next(study.workspace.path("run_1").rglob(name))
    path.write_bytes(path.read_bytes() + b" ")
    evidence = confirm(parts, two_runs, study)
    assert list(evidence.runs) == ["run_0"]
    assert [finding.code for finding in evidence.findings] == ["tampered"]
    assert evidence.findings[0].where == study.workspace.relative(path)
    assert evidence.counts == {"runs": 1, "attempts": 2, "rejected": 1, "seeds": 3}
    assert evidence.verdicts[0].outcome == "undecided"
    assert "counts no longer" in " ".join(study.workspace.read("notes.txt").split())
    assert path.is_file()


def test_a_run_that_breaks_on_the_test_part_is_withdrawn(study, parts, two_runs, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    np.savez(far / "part.npz", x=np.array([1e20]), y=np.array([0.0]))
    evidence = confirm({**parts, "test": str(far)}, PLAN, study)
    assert list(evidence.runs) == ["run_0"]
    assert evidence.findings[0].code in {"non-finite", "no-metrics", "ungradable"}
    assert [finding.code for finding in verify(study.workspace.root).comparison] == []


def test_without_the_baseline_nothing_stands(study, parts, two_runs):
    study.workspace.path("run_0/facts.json").write_text("{}")
    with pytest.raises(GroundworkError, match="without run_0 nothing compares"):
        confirm(parts, two_runs, study)
