"""Whether a template keeps its part of the contract: declared, prepared, run, graded and drawn, without a model.

Its baseline goes through the very stages that an idea's runs go through.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import GroundworkError, ModelUnavailable
from orchestrator.grading import grade
from orchestrator.outside import Answer, Message, Request
from orchestrator.paper.bib import Library
from orchestrator.protocols import EditReply, EditTask
from orchestrator.records import FinalInfo, Finding, Plan, Prepared, Run, Step, Template
from orchestrator.stages.confirm import confirm
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from orchestrator.stages.plot import plot_runs
from orchestrator.stages.prepare import prepare_data
from orchestrator.study import Study

BASELINE = Step(number=0, attempt=1)
TOO_FEW_SEEDS = 5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what is wrong with it; advice alone is no fault."""

    what: str
    problems: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


class NoModel:
    """A language model that nobody may ask."""

    def complete(self, request: Request) -> Answer:
        """Refuse."""
        raise ModelUnavailable(f"stage '{request.stage}': a template is checked without a model")


class Unchanged:
    """A coder that leaves every file as it is."""

    def edit(self, task: EditTask, ask: Callable[[tuple[Message, ...]], str]) -> EditReply:
        """Return the files as they came."""
        return EditReply(files=task.editable, transcript="")


def check_template(study: Study) -> Iterator[Check]:
    """Yield one check after another; ends early where the next one would have nothing to look at."""
    template = study.setting.template
    yield declared(template, len(study.setting.seeds))
    yield bibliography(study.setting.folder / "references.bib")
    try:
        data = prepare_data(study)
        yield parts(data)
        run = execute_run(BASELINE, edit_experiment(BASELINE, study), data.parts, study)
        errors = tuple(_told(finding) for finding in run.findings if finding.severity == "error")
        advice = tuple(_told(finding) for finding in run.findings if finding.severity != "error")
        yield Check("the unedited experiment.py runs and passes the gate", errors, advice)
        if not run.accepted:
            return
        yield recorded(run, study)
        yield repeatable(run, data, study)
        evidence = confirm(data.parts, Plan(hypotheses=(), runs=(), number=1), study)
        yield Check("the test part can be scored")
        yield Check(f"plot.py draws what can be read back: {len(plot_runs(evidence, study).figures)} figure(s)")
    except GroundworkError as error:
        yield Check("the template's programs", (str(error),))


def declared(template: Template, seeds: int) -> Check:
    """Look at what `template.toml` declares beyond its form."""
    names = [metric.name for metric in template.metrics]
    problems = [f"metrics: `{name}` is declared twice" for name in sorted(set(names)) if names.count(name) > 1]
    if not any(metric.primary for metric in template.metrics):
        problems.append("metrics: none has `primary = true`")
    for metric in template.metrics:
        if metric.match and metric.match not in names:
            problems.append(f"metrics: `{metric.name}` is matched on `{metric.match}`, which is not declared")
        if metric.smallest_effect and metric.direction == "none":
            problems.append(f"metrics: `{metric.name}` has a smallest effect and no direction")
    if template.default_profile not in [profile.name for profile in template.profiles]:
        problems.append(f"default_profile: there is no profile `{template.default_profile}`")
    undecidable = [m.name for m in template.metrics if m.primary and not m.smallest_effect]
    advice = [f"metrics: `{name}` has no smallest_effect, so equivalence can't be judged" for name in undecidable]
    if seeds < TOO_FEW_SEEDS:
        advice.append(f"profiles: {seeds} seeds are few; with {TOO_FEW_SEEDS} the stated error rates hold")
    if not template.equal_settings:
        advice.append("equal_settings is empty: any two runs count as comparable")
    return Check("template.toml says what is needed", tuple(problems), tuple(advice))


def bibliography(path: Path) -> Check:
    """Look at the literature; GroundworkError becomes the check's problem."""
    try:
        return Check(f"references.bib has {len(Library.read(path).keys)} entries")
    except GroundworkError as error:
        return Check("references.bib", (str(error),))


def parts(data: Prepared) -> Check:
    """Look at the parts of the data: four folders, none inside another."""
    missing = [part for part in ("train", "tune", "dev", "test") if part not in data.parts]
    problems = [f"prepare: parts.json names no part `{part}`" for part in missing]
    folders = {part: Path(folder).resolve() for part, folder in data.parts.items()}
    problems += [f"prepare: {folder} is not there" for folder in folders.values() if not folder.is_dir()]
    for one, folder in folders.items():
        inside = [other for other, outer in folders.items() if other != one and folder.is_relative_to(outer)]
        problems += [f"prepare: `{one}` lies inside `{other}`, so whoever reads that reads both" for other in inside]
    return Check("the data has its four parts", tuple(problems))


def recorded(run: Run, study: Study) -> Check:
    """Look at what the baseline left beside its metrics: settings, and progress."""
    info = FinalInfo.model_validate_json(study.workspace.read(f"{run.path}/final_info.json"))
    problems = [
        f"`{name}` records no setting `{key}`, which template.toml lists in equal_settings"
        for name, condition in info.root.items()
        for key in study.setting.template.equal_settings
        if key not in condition.config
    ]
    silent = not study.workspace.path(f"{run.path}/progress.jsonl").is_file()
    advice = ("no progress.jsonl: a hopeless run can't be ended early, and a wait shows no bar",) if silent else ()
    return Check("runs record what must be equal between them", tuple(problems), advice)


def repeatable(run: Run, data: Prepared, study: Study) -> Check:
    """Grade the same artefacts again: a grader that draws lots makes every comparison void."""
    first = FinalInfo.model_validate_json(study.workspace.read(f"{run.path}/final_info.json"))
    again = grade(study, run.path, data.parts["dev"], "graded_again.json")
    what = "grading the same artefacts twice gives the same values"
    if isinstance(again, Finding):
        return Check(what, (_told(again),))
    differing = [
        f"{name}/{metric}: {values} and then {again.root[name].final_info_dict.get(metric)}"
        for name, condition in first.root.items()
        for metric, values in condition.final_info_dict.items()
        if json.dumps(values) != json.dumps(again.root[name].final_info_dict.get(metric))
    ]
    return Check(what, tuple(differing[:3]))


def _told(finding: Finding) -> str:
    return f"{finding.code}: {finding.message} ({finding.where})"
