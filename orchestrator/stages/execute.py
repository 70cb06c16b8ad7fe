"""Stage `execute`: one numbered run, confined, then graded. A failed run is data, never an exception."""

from __future__ import annotations

import json
import shutil

from orchestrator import attempts, baselines, observing
from orchestrator.errors import GroundworkError
from orchestrator.evidence.baseline import invalid_baseline
from orchestrator.evidence.facts import FACTS, GradedRun, RunFacts
from orchestrator.evidence.faults import USERS, Kind, Surroundings, classify, fault, remedy
from orchestrator.evidence.gate import check_run, stale, tampered
from orchestrator.grading import grade
from orchestrator.leftovers import read_log
from orchestrator.outside import Command
from orchestrator.progress import ProgressTail
from orchestrator.records import Edit, FinalInfo, Finding, Part, ProcessResult, Run, Step
from orchestrator.study import Study
from orchestrator.supply import READ, Supply, supplied

MIB = 1024 * 1024


def execute_run(step: Step, edit: Edit, parts: dict[Part, str], study: Study) -> Run:
    """Return the attempt that `step` asks for: executed, graded on dev and gated, or refused with its findings.

    Raises GroundworkError for a fault of the environment: it is no attempt, and resuming executes the step again.
    """

    def make() -> Run:
        if edit.findings:
            findings, process = edit.findings, None
        else:
            study.backends.screen.stage("execute", f"{step.run}, attempt {step.attempt}")
            process, findings = _cached(step, study) or _execute(step, parts, study)
        findings = invalid_baseline(findings) if step.planned is None else findings
        accepted = not any(finding.severity == "error" for finding in findings)
        folder = study.workspace.run_dir(step) if accepted else study.workspace.keep_attempt(step)
        path = study.workspace.relative(folder)
        run = Run(step=step, path=path, process=process, findings=_relocate(findings, step, path))
        study.workspace.write(f"{path}/run.json", run.model_dump_json(indent=1))
        if run.accepted and step.planned is None:
            baselines.keep(run, study)
        return run

    return study.workspace.journal.once("execute", step.label, Run, make)


Checked = tuple[ProcessResult, tuple[Finding, ...]]


def _cached(step: Step, study: Study) -> Checked | None:
    """Return run_0 as its cache has it, through the same gate; None where it has to be executed."""
    process = baselines.take(step, study) if step.planned is None else None
    if process is None:
        return None
    info = FinalInfo.model_validate_json(study.workspace.read(f"{step.run}/final_info.json"))
    facts = RunFacts.model_validate_json(study.workspace.read(f"{step.run}/{FACTS}"))
    observing.seal(study, step, facts)
    return process, check_run(GradedRun(step.run, None, info, facts), (), study.setting.template)


def _execute(step: Step, parts: dict[Part, str], study: Study) -> Checked:
    workspace = study.workspace
    folder = workspace.fresh_run_dir(step)
    earlier = _graded_runs(study)
    tail = ProgressTail(folder, study.backends.screen)
    with supplied(step, parts, study) as supply:
        workspace.write(f"{step.run}/{observing.GIVEN}", json.dumps(_job(step, supply, earlier, study), indent=1))
        before = observing.protected(study, step)
        command = _command(step, supply, study)
        process = study.backends.executor.run(command, watch=lambda: supply.watch() or tail.poll())
    claimed = observing.set_aside(folder)
    changed = observing.changed(before, observing.protected(study, step))
    if not process.ok or changed:
        failed = () if process.ok else (_fault(step, process, parts, study),)
        return process, (*(tampered(step.run, path) for path in changed), *failed)
    study.backends.screen.stage("grade", f"{step.run} on dev")
    graded = grade(study, step.run, parts["dev"], "final_info.json")
    if isinstance(graded, Finding):
        return process, (*stale(step.run, claimed), graded)
    facts = RunFacts(
        seeds=study.setting.seeds_for(step),
        cpu_s=process.cpu_s,
        artefacts=observing.artefacts(folder, study.setting.limits.file_mb * MIB),
        claimed=claimed,
        counters=observing.counters(folder),
        result_sha256=workspace.sha256(f"{step.run}/final_info.json"),
    )
    observing.seal(study, step, facts)
    return process, check_run(GradedRun(step.run, step.planned, graded, facts), earlier, study.setting.template)


def _fault(step: Step, process: ProcessResult, parts: dict[Part, str], study: Study) -> Finding:
    """Return what is the model's to mend; raises GroundworkError for what is the user's."""
    folder, where = study.workspace.run_dir(step), f"{step.run}/stderr.log"
    stderr = read_log(study.workspace.root, where)
    around = Surroundings(
        free_mb=shutil.disk_usage(folder).free / MIB,
        accelerator=study.setting.accelerator,
        given=(str(study.setting.folder), *(parts[part] for part in READ)),
        packages=tuple(path.parent.name for path in study.setting.folder.glob("*/__init__.py")),
    )
    kind, found = classify(process, stderr, around), fault(process, stderr, where, around)
    # Nobody edited the baseline: who killed it is the user's to know, and resuming may well succeed.
    users: tuple[Kind, ...] = (*USERS, "killed") if step.planned is None else USERS
    if kind in users:
        raise GroundworkError(f"{folder / 'stderr.log'}: {remedy(kind, str(study.workspace.root))} ({found.message})")
    return found


def _command(step: Step, supply: Supply, study: Study) -> Command:
    """The run sees its code, the template's package, and the parts it may read; it writes its own directory."""
    workspace, setting = study.workspace, study.setting
    folder = workspace.run_dir(step)
    data = tuple(map(workspace.path, supply.folders.values()))
    return Command(
        argv=(str(study.python), "experiment.py", f"--out_dir={step.run}"),
        cwd=workspace.root,
        readable=(workspace.path("experiment.py"), *study.readable, *data, folder / observing.GIVEN),
        writable=(folder,),
        env={**setting.environment, "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg"},
        limits=setting.limits,
        accelerator=setting.accelerator,
        stdout=folder / "stdout.log",
        stderr=folder / "stderr.log",
    )


def _job(step: Step, supply: Supply, earlier: tuple[GradedRun, ...], study: Study) -> dict[str, object]:
    return {
        "profile": study.setting.profile.scale(),
        "seeds": list(study.setting.seeds_for(step)),
        "data": supply.folders,
        "earlier": {run.name: _earlier(run.info) for run in earlier},
    }


def _earlier(info: FinalInfo) -> dict[str, object]:
    return {
        name: condition.model_dump(include={"config", "self_reported", "means"})
        for name, condition in info.root.items()
    }


def _graded_runs(study: Study) -> tuple[GradedRun, ...]:
    """Return the accepted runs, the baseline first; GroundworkError where one is not what it was when it was graded."""
    journal, workspace = study.workspace.journal, study.workspace
    graded = []
    for run in attempts.accepted(journal):
        seal = journal.find(observing.SEAL, run.step.label, observing.Seal)
        for path, sha256 in seal.files.items() if seal else ():
            if not workspace.path(path).is_file() or workspace.sha256(path) != sha256:
                raise GroundworkError(f"{workspace.path(path)}: changed since {run.step.run} was graded; restore it")
        info = FinalInfo.model_validate_json(workspace.read(f"{run.path}/final_info.json"))
        facts = RunFacts(seeds=study.setting.seeds_for(run.step))
        if seal:
            facts = RunFacts.model_validate_json(workspace.read(f"{run.path}/{FACTS}"))
        graded.append(GradedRun(run.step.run, run.step.planned, info, facts))
    return tuple(graded)


def _relocate(findings: tuple[Finding, ...], step: Step, path: str) -> tuple[Finding, ...]:
    """Let each finding point to where its file lies now, after a rejected run directory was moved."""
    prefix = f"{step.run}/"
    return tuple(
        f.model_copy(update={"where": f"{path}/{f.where.removeprefix(prefix)}"}) if f.where.startswith(prefix) else f
        for f in findings
    )
