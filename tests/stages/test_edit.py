"""Whether something was edited is decided by hashes and `ast`."""

import pytest

from orchestrator.protocols import EditReply
from orchestrator.records import Step
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from tests.stages.conftest import ARM, BASELINE, FIRST


@pytest.fixture(autouse=True)
def baseline(study, parts):
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)


def test_the_baseline_is_the_templates_file_unedited(study):
    edit = edit_experiment(BASELINE, study)
    assert edit.findings == ()
    assert study.workspace.text_at(edit.commit, "experiment.py") == (study.setting.folder / "experiment.py").read_text()


def test_an_edit_is_written_and_committed(study, coder):
    coder.texts = [lambda text: text.replace('"lr": 0.2', '"lr": 0.3')]
    edit = edit_experiment(FIRST, study)
    assert edit.findings == ()
    assert '"lr": 0.3' in study.workspace.read("experiment.py")
    assert '"lr": 0.3' in study.workspace.text_at(edit.commit, "experiment.py")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text, "no-edit"),
        (lambda text: text + "\n# a comment changes nothing\n", "no-edit"),
        (lambda text: text + "\ndef broken(:\n", "syntax-error"),
    ],
)
def test_what_is_no_edit_changes_no_file(study, coder, change, code):
    before = study.workspace.read("experiment.py")
    coder.texts = [change]
    edit = edit_experiment(FIRST, study)
    assert [finding.code for finding in edit.findings] == [code]
    assert study.workspace.read("experiment.py") == before
    assert edit.commit == ""


def test_what_the_coder_refused_is_a_finding(study, coder):
    coder.edit = lambda task, ask: EditReply(
        files=dict(task.editable), transcript="", refused=("../x is not editable",)
    )
    assert "../x" in edit_experiment(FIRST, study).findings[0].message


def test_the_next_attempt_is_told_why(study, coder, parts):
    coder.texts = [lambda text: text.replace("losses = []", "losses = nowhere"), lambda text: text + "\nx = 1\n"]
    execute_run(FIRST, edit_experiment(FIRST, study), parts, study)
    edit_experiment(Step(number=1, attempt=2, planned=ARM), study)
    assert "NameError" not in coder.instructions[0]
    assert "NameError: name 'nowhere' is not defined" in coder.instructions[1]
    assert '<data name="failure">' in coder.instructions[1]
