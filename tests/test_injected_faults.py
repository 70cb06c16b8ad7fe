"""Faults that the ancestors let pass, injected by a coder into real runs of the quick setting."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from orchestrator.backends.executor import LocalExecutor
from orchestrator.records import Step
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from tests.stages.conftest import ARM, BASELINE, FIRST, coder, llm, parts, study  # noqa: F401

ARMS = '{"lr=0.05": {"lr": 0.05}, "lr=0.1": {"lr": 0.1}, "lr=0.2": {"lr": 0.2}}'
SAVE = "save_seed(out_dir, condition, seed, weights, config, measured)"
END = '\n\nif __name__ == "__main__":\n    main()\n'
MOMENTUM = ("CONDITIONS = " + ARMS, 'CONDITIONS = {"arm": {"lr": 0.4}}')


@pytest.fixture
def inject(study, coder, parts):  # noqa: F811
    """Execute the baseline, then run 1 with the texts replaced; return that run."""
    execute_run(BASELINE, edit_experiment(BASELINE, study), parts, study)

    def run(*changes, study=study, step=FIRST):
        def edit(text):
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            return text

        coder.texts = [edit]
        return execute_run(step, edit_experiment(step, study), parts, study)

    return run


def codes(run):
    return [finding.code for finding in run.findings if finding.severity == "error"]


def after(code):
    """A change that runs `code` when everything was trained."""
    return END, f'\n\nif __name__ == "__main__":\n    main()\n    {code}\n'


def test_an_honest_edit_is_accepted(inject):
    run = inject(MOMENTUM)
    assert run.findings == ()
    assert run.accepted


def test_an_edit_that_changes_nothing(inject):
    run = inject((END, END + "# tuned\n"))
    assert codes(run) == ["no-edit"]
    assert run.process is None


def test_an_edit_whose_code_has_no_effect(inject):
    assert codes(inject(("losses = []", "losses = list()"))) == ["identical-run"]


def test_no_run_at_all(inject):
    assert codes(inject((END, END.replace("main()", "pass")))) == ["no-metrics"]


def test_a_nan_result(inject):
    run = inject(MOMENTUM, (SAVE, SAVE.replace("weights,", "weights * np.nan,")))
    assert codes(run) == ["ungradable"]  # the quick setting's grader gives up on the spread of NaN


def test_a_loss_that_becomes_nan(inject):
    run = inject(MOMENTUM, ("losses.append(float(np.mean(error**2)))", "losses.append(float('nan'))"))
    assert codes(run)[0] in {"non-finite", "null-loss"}


def test_a_hard_coded_result(inject, study):  # noqa: F811
    claim = """(Path("run_1") / "final_info.json").write_text('{"arm": {"means": {"mse": 0.0}}}')"""
    run = inject(MOMENTUM, after(claim))
    assert codes(run) == ["stale-result"]
    assert "grader" in run.findings[0].message
    assert list(study.workspace.path(run.path).glob("final_info.json.claimed-*"))


def test_a_hard_coded_result_and_nothing_else(inject):
    claim = """main = lambda: Path("run_1/final_info.json").write_text('{}')\n"""
    assert codes(inject((END, f"\n\n{claim}{END}"))) == ["stale-result", "no-metrics"]


@pytest.mark.parametrize("name", ["run_0/final_info.json", "experiment.py"])
def test_run_0_or_the_code_overwritten(inject, study, name):  # noqa: F811
    before = study.workspace.path("run_0/final_info.json").read_bytes()
    assert codes(inject(MOMENTUM, after(f'Path("{name}").write_text("{{}}")'))) == ["crashed"]
    assert study.workspace.path("run_0/final_info.json").read_bytes() == before
    assert "CONDITIONS" in study.workspace.read("experiment.py")


@pytest.mark.parametrize("name", ["../outside", "journal.jsonl"])
def test_a_write_outside_the_run_reaches_nothing(inject, study, name):  # noqa: F811
    path = study.workspace.path(name)
    before = path.read_bytes() if path.exists() else None
    inject(MOMENTUM, after(f'Path("{name}").write_text("gone")'))
    if before is None:
        assert not path.exists()
    else:
        assert path.read_bytes().startswith(before)


def test_run_0_overwritten_where_there_is_no_sandbox(inject, study):  # noqa: F811
    unconfined = replace(study, backends=replace(study.backends, executor=LocalExecutor("none")))
    run = inject(MOMENTUM, after('Path("run_0/final_info.json").write_text("{}")'), study=unconfined)
    assert codes(run) == ["tampered"]
    assert run.findings[0].where == "run_0/final_info.json"
    assert not run.accepted


def test_run_0s_weights_copied_where_there_is_no_sandbox(inject, study):  # noqa: F811
    unconfined = replace(study, backends=replace(study.backends, executor=LocalExecutor("none")))
    copy = 'weights = np.load(f"run_0/lr=0.2/seed_{seed}/weights.npy")\n                '
    run = inject(MOMENTUM, (SAVE, copy + SAVE), study=unconfined)
    assert set(codes(run)) == {"copied-result", "identical-run"}


def test_one_training_under_every_seed(inject):
    run = inject(MOMENTUM, ("np.random.default_rng(seed)", "np.random.default_rng(0)"))
    assert set(codes(run)) == {"single-seed", "copied-result"}


def test_a_training_of_no_steps(inject):
    run = inject(MOMENTUM, ('job["profile"]["steps"]', "0"), ("float(np.mean(losses))", "0.0"))
    assert {"zero-steps", "incomparable-baseline"} <= set(codes(run))


def test_steps_that_were_claimed_and_not_taken(inject):
    run = inject(MOMENTUM, ('range(config["steps"])', 'range(config["steps"] // 2)'))
    assert set(codes(run)) == {"unverified-counter"}
    assert "ends at step 100" in run.findings[0].message


def test_other_steps_than_the_baselines(inject):
    run = inject(MOMENTUM, ('job["profile"]["steps"]', "400"))
    assert codes(run) == ["incomparable-baseline"]


@pytest.mark.parametrize(
    "damage",
    [
        SAVE + '\n                (Path(out_dir) / condition / f"seed_{seed}" / "weights.npy").unlink()',
        SAVE + '\n                (Path(out_dir) / condition / f"seed_{seed}" / "weights.npy").write_bytes(b"half")',
        SAVE.replace("measured)", '{"mean_loss": "small"})'),
        SAVE.replace("weights,", "weights.reshape(2, 3),"),
    ],
)
def test_artefacts_that_are_missing_truncated_or_of_the_wrong_shape(inject, damage):
    run = inject(MOMENTUM, (SAVE, damage))
    assert codes(run)[0] in {"ungradable", "no-metrics"}
    assert run.path == "attempts/run_1.1"


def test_a_grandchild_that_outlives_the_timeout(inject, study):  # noqa: F811
    setting = study.setting
    limits = setting.template.limits.model_copy(update={"timeout_s": 2.0})
    quick = replace(study, setting=replace(setting, template=setting.template.model_copy(update={"limits": limits})))
    nap = "import subprocess, time; subprocess.Popen(['sleep', '98765'], start_new_session=True); time.sleep(60)"
    run = inject(MOMENTUM, after(nap), study=quick)
    assert codes(run) == ["time-fault"]
    assert "timeout" in run.findings[0].message
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "98765"]]


def test_links_under_our_own_names_lead_nowhere(inject, study):  # noqa: F811
    link = "import os; [os.symlink('../journal.jsonl', 'run_1/' + n) for n in ('.final_info.json.part', 'run.json')]"
    before = study.workspace.path("journal.jsonl").read_bytes()
    run = inject(MOMENTUM, after(link))
    assert codes(run) == ["stale-result"]
    assert study.workspace.path("journal.jsonl").read_bytes().startswith(before)


def test_what_the_model_is_told_after_a_missing_package(inject, study, coder):  # noqa: F811
    run = inject(MOMENTUM, ("import numpy as np", "import numpy as np\nimport no_such_package"))
    assert codes(run) == ["package-fault"]
    coder.texts = [lambda text: text]
    edit_experiment(Step(number=1, attempt=2, planned=ARM), study)
    assert "Nothing can be installed" in coder.instructions[-1]
    assert "No module named 'no_such_package'" in coder.instructions[-1]
    assert Path(study.workspace.path("attempts/run_1.1/stderr.log")).is_file()
