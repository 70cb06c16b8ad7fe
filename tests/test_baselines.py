"""run_0 is executed once for all ideas of a setting; a copy that doesn't check out is never used."""

import json
from dataclasses import replace

import pytest

from orchestrator.backends.sandbox import probe
from orchestrator.records import Prepared, Profile, Reused, Run
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from orchestrator.workspace import Workspace
from tests.conftest import QUICK, missing
from tests.stages.conftest import BASELINE, coder, llm, parts, study  # noqa: F401


@pytest.fixture
def next_idea(study, parts, tmp_path):  # noqa: F811
    """Make run_0 in a new idea folder that shares the cache; return its study and its run."""
    if probe().level == "none":
        missing("bubblewrap is not installed, and an unconfined run_0 is not kept")
    opened = []

    def begin(**changes):
        setting = replace(study.setting, **{"baselines": tmp_path / "baselines", **changes})
        workspace = Workspace.create(tmp_path / "runs", f"idea_{len(opened)}")
        opened.append(workspace)
        workspace.write("experiment.py", (setting.folder / "experiment.py").read_bytes())
        workspace.journal.append("prepare", "", Prepared(key="k", parts=parts))
        made = replace(study, setting=setting, workspace=workspace)
        return made, execute_run(BASELINE, edit_experiment(BASELINE, made), parts, made)

    yield begin
    for workspace in opened:
        workspace.journal.close()


def files(study, folder="run_0"):  # noqa: F811
    root = study.workspace.path(folder)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def origin(study):  # noqa: F811
    return study.workspace.journal.find("baseline", "run_0.1", Reused)


def test_the_second_idea_gets_the_same_run_and_says_whose_it_is(next_idea):
    first, executed = next_idea()
    second, reused = next_idea()
    assert origin(first) is None
    assert origin(second).made_by == first.workspace.root.name
    assert files(second) == files(first)
    assert (reused.accepted, reused.process) == (True, executed.process)
    assert first.provenance == "Scripted answers."
    assert f"was executed on {origin(second).made_at[:10]} for the idea folder" in second.provenance


def test_a_reused_run_is_sealed_and_copied_not_linked(next_idea):
    first, _ = next_idea()
    second, _ = next_idea()
    assert [event.kind for event in second.workspace.journal.events][-2:] == ["seal", "execute"]
    name = next(name for name in files(second) if name.endswith("weights.npy"))
    assert second.workspace.path(f"run_0/{name}").stat().st_nlink == 1
    assert next((first.setting.baselines).glob(f"*/run_0/{name}")).stat().st_mode & 0o222 == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: next(entry.glob("run_0/*/*/weights.npy")).write_bytes(b"other weights"),
        lambda entry: next(entry.glob("run_0/*/*/weights.npy")).unlink(),
        lambda entry: (entry / "run_0" / "more.txt").write_text("x"),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: (entry / "entry.json").write_text(json.dumps({"origin": None})),
    ],
)
def test_a_damaged_entry_is_refused_kept_aside_and_made_anew(next_idea, damage):
    first, _ = next_idea()
    (entry,) = first.setting.baselines.iterdir()
    for path in entry.rglob("*"):
        path.chmod(0o755)
    damage(entry)
    second, run = next_idea()
    assert run.accepted
    assert origin(second) is None
    assert any("does not check out" in line for line in second.backends.screen.lines)
    assert {path.name.partition(".")[2][:7] for path in first.setting.baselines.iterdir()} == {"", "refused"}
    assert origin(next_idea()[0]).made_by == second.workspace.root.name


def test_another_scale_another_lock_or_the_users_wish_executes_it(next_idea, tmp_path):
    first, _ = next_idea()
    other = Profile.model_validate({**first.setting.profile.model_dump(), "steps": 300})
    assert origin(next_idea(profile=other)[0]) is None
    assert origin(next_idea(baselines=None)[0]) is None
    assert len(list(first.setting.baselines.iterdir())) == 2


def test_a_rejected_baseline_is_not_kept(next_idea, study, parts, tmp_path):  # noqa: F811
    kept = replace(study, setting=replace(study.setting, baselines=tmp_path / "baselines"))
    kept.workspace.write("experiment.py", "raise ValueError\n")
    edit = edit_experiment(BASELINE, kept)
    run = execute_run(BASELINE, edit, parts, kept)
    assert isinstance(run, Run)
    assert not run.accepted
    assert not (tmp_path / "baselines").exists()


def test_on_the_command_line_the_second_idea_reuses_it_unless_told_otherwise(launch, tmp_path, monkeypatch):
    if probe().level == "none":
        missing("bubblewrap is not installed, and an unconfined run_0 is not kept")
    monkeypatch.setenv("GROUNDWORK_CACHE", str(tmp_path / "cache"))
    plan = {"hypotheses": [{"id": "H1", "metric": "mse", "direction": "lower", "arm": "a", "reference": "baseline"}],
            "runs": [{"name": "a", "goal": "g"}]}  # fmt: skip
    header = {"kind": "scripted", "idea": "quick_momentum", "model": "none", "date": "2026-11-21"}
    answer = {"stage": "plan", "step": "", "attempt": 0, "answer": f"```json\n{json.dumps(plan)}\n```"}
    session = tmp_path / "short.session.jsonl"
    session.write_text(json.dumps(header) + "\n" + json.dumps(answer) + "\n")
    command = ("--idea", QUICK / "quick_momentum.json", "--runs", tmp_path / "runs", "--model", f"replay:{session}")
    said = [launch(*command, *flags).stderr for flags in ((), (), ("--fresh-baseline",))]
    assert ["run_0 is kept for other ideas" in text for text in said] == [True, False, False]
    assert ["run_0 is that of" in text for text in said] == [False, True, False]
    assert all("no answer for stage 'record', step 'run_0.1'" in text for text in said)
