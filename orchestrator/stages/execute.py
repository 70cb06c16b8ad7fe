"""Stage `execute`: one numbered run, confined, then graded. A failed run is data, never an exception."""

from __future__ import annotations

import hashlib
import json

from orchestrator.evidence.faults import fault
from orchestrator.evidence.gate import check_run
from orchestrator.grading import grade
from orchestrator.leftovers import LOG_BYTES, LeftoverRefused, read_leftover, read_log
from orchestrator.outside import Command
from orchestrator.progress import ProgressTail
from orchestrator.records import Edit, FinalInfo, Finding, Part, ProcessResult, Run, Step
from orchestrator.study import Study


def execute_run(step: Step, edit: Edit, parts: dict[Part, str], study: Study) -> Run:
    """Return the attempt that `step` asks for: executed, graded on dev and gated, or refused with its findings."""

    def make() -> Run:
        if edit.findings:
            findings, process = edit.findings, None
        else:
            study.backends.screen.stage("execute", f"{step.run}, attempt {step.attempt}")
            process, findings = _execute(step, parts, study)
        accepted = not any(finding.severity == "error" for finding in findings)
        folder = study.workspace.run_dir(step) if accepted else study.workspace.keep_attempt(step)
        path = study.workspace.relative(folder)
        run = Run(step=step, path=path, process=process, findings=_relocate(findings, step, path))
        study.workspace.write(f"{path}/run.json", run.model_dump_json(indent=1))
        return run

    return study.workspace.journal.once("execute", step.label, Run, make)


def _execute(step: Step, parts: dict[Part, str], study: Study) -> tuple[ProcessResult, tuple[Finding, ...]]:
    workspace = study.workspace
    folder = workspace.fresh_run_dir(step)
    job_sha256 = workspace.write(f"{step.run}/job.json", json.dumps(_job(parts, study), indent=1))
    process = study.backends.executor.run(
        _command(step, parts, study), watch=ProgressTail(folder, study.backends.screen).poll
    )
    if not process.ok:
        stderr = read_log(workspace.root, f"{step.run}/stderr.log")
        return process, (fault(process, stderr, f"{step.run}/stderr.log"),)
    if not _intact(study, step, job_sha256):
        message = "the run changed its job.json, which says what it was given"
        return process, (Finding(code="tampered", severity="error", message=message, where=f"{step.run}/job.json"),)
    study.backends.screen.stage("grade", f"{step.run} on dev")
    graded = grade(study, step.run, parts["dev"], "final_info.json")
    if isinstance(graded, Finding):
        return process, (graded,)
    where = f"{step.run}/final_info.json"
    return process, check_run(graded, study.setting.template, len(study.setting.seeds), where)


def _command(step: Step, parts: dict[Part, str], study: Study) -> Command:
    """The run sees its code, the template's package, and the train and tune parts; it writes its own directory."""
    workspace, setting = study.workspace, study.setting
    folder = workspace.run_dir(step)
    data = tuple(workspace.path(parts[part]) for part in ("train", "tune"))
    return Command(
        argv=(str(setting.python), "experiment.py", f"--out_dir={step.run}"),
        cwd=workspace.root,
        readable=(workspace.path("experiment.py"), setting.folder, *data, folder / "job.json"),
        writable=(folder,),
        env={**setting.environment, "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg"},
        limits=setting.template.limits,
        stdout=folder / "stdout.log",
        stderr=folder / "stderr.log",
    )


def _job(parts: dict[Part, str], study: Study) -> dict[str, object]:
    return {
        "profile": study.setting.profile.model_dump(),
        "seeds": list(study.setting.seeds),
        "data": {part: parts[part] for part in ("train", "tune")},
        "earlier": {run.step.run: _earlier(study, run) for run in _accepted(study)},
    }


def _earlier(study: Study, run: Run) -> dict[str, object]:
    info = FinalInfo.model_validate_json(study.workspace.read(f"{run.path}/final_info.json"))
    return {
        name: condition.model_dump(include={"config", "self_reported", "means"})
        for name, condition in info.root.items()
    }


def _accepted(study: Study) -> list[Run]:
    return [run for run in study.workspace.journal.all("execute", Run) if run.accepted]


def _intact(study: Study, step: Step, sha256: str) -> bool:
    try:
        content = read_leftover(study.workspace.root, f"{step.run}/job.json", LOG_BYTES)
    except LeftoverRefused:
        return False
    return hashlib.sha256(content).hexdigest() == sha256


def _relocate(findings: tuple[Finding, ...], step: Step, path: str) -> tuple[Finding, ...]:
    """Let each finding point to where its file lies now, after a rejected run directory was moved."""
    prefix = f"{step.run}/"
    return tuple(
        f.model_copy(update={"where": f"{path}/{f.where.removeprefix(prefix)}"}) if f.where.startswith(prefix) else f
        for f in findings
    )
