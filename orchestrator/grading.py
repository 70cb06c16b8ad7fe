"""Grading: the template's grader, read-only code in a process of its own, computes a run's metrics."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from pydantic import ValidationError

from orchestrator.leftovers import LeftoverRefused, read_leftover, read_log
from orchestrator.outside import Command
from orchestrator.records import FinalInfo, Finding
from orchestrator.study import Study

LIMIT_BYTES = 16 * 1024 * 1024
# What one has seen the other has not, so that answers which depend on more than the question differ.
HOSTS = ("first", "second")


def grade(study: Study, run: str, part_folder: str, name: str) -> FinalInfo | Finding:
    """Grade the run directory `run` on a part of the data and write `run/name`; a Finding says why that failed.

    The grader sees the run, the part and the template's cache read-only and writes into a folder of its own; what it
    writes is parsed here, and only the parsed record gets into the run directory. Code of the run's own is executed
    beside it, where there is nothing to read but the template.
    """
    workspace, setting = study.workspace, study.setting
    out = workspace.path(".grading")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    folder = workspace.path(run)
    flags = ("--run", str(folder), "--part", part_folder, "--out", str(out))
    stem = name.removesuffix(".json")
    result = study.backends.executor.run(
        examination(study, (*setting.template.commands.grade, *flags), (folder, Path(part_folder)), out, folder / stem)
    )
    if not result.ok:
        last = read_log(folder, f"{stem}.stderr.log").strip().splitlines()[-1:]
        why = f"the grader could not grade this run ({result.stopped or result.exit_code}): {' '.join(last)[:600]}"
        return Finding(code="ungradable", severity="error", message=why, where=f"{run}/{stem}.stderr.log")
    try:
        info = FinalInfo.model_validate(json.loads(read_leftover(out, "final_info.json", LIMIT_BYTES)))
    except (LeftoverRefused, ValueError, ValidationError) as error:
        why = f"the grader left no readable results: {str(error)[:300]}"
        return Finding(code="no-metrics", severity="error", message=why, where=f"{run}/{name}")
    shutil.rmtree(out)
    workspace.write(f"{run}/{name}", info.model_dump_json(indent=1))
    return info


def examination(study: Study, program: tuple[str, ...], reads: tuple[Path, ...], out: Path, log: Path) -> Command:
    """Return the command with which a program of the template's examines a run, with its hosts beside it.

    It reads the template, its cache and `reads`, and writes into `out`; its logs are `log` with an ending.
    """
    setting = study.setting
    return Command(
        argv=(str(study.python), *program),
        cwd=out,
        readable=(*study.readable, setting.cache, *setting.own_paths, *reads),
        writable=(out,),
        env=setting.environment,
        limits=setting.limits,
        stdout=log.with_name(f"{log.name}.stdout.log"),
        stderr=log.with_name(f"{log.name}.stderr.log"),
        beside=_hosts(study, out),
    )


def _hosts(study: Study, out: Path) -> tuple[Command, ...]:
    setting = study.setting
    if not setting.template.commands.host:
        return ()
    return tuple(
        Command(
            argv=(str(study.python), *setting.template.commands.host),
            cwd=Path("/"),
            readable=study.readable,
            env=setting.environment,
            limits=setting.limits,
            stdout=Path(os.devnull),
            stderr=out / f"{name}-host.log",
        )
        for name in HOSTS
    )
