"""Stage `prepare`: the template's trusted producer makes (or finds) the data that runs and grader read."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.errors import GroundworkError
from orchestrator.inputs import parse
from orchestrator.outside import Command
from orchestrator.progress import ProgressTail
from orchestrator.records import Prepared
from orchestrator.study import Study

TIMEOUT_S = 7 * 24 * 3600.0
FILE_MB = 10_000_000


def prepare_data(study: Study) -> Prepared:
    """Return the parts of the data, made now if the cache lacks them; raises GroundworkError if the producer fails."""
    known = study.workspace.journal.find("prepare", "", Prepared)
    if known is not None and all(Path(folder).is_dir() for folder in known.parts.values()):
        return known
    study.backends.screen.stage("prepare", "data and activations, shared by all runs")
    made = _produce(study)
    if known is not None and made.key != known.key:
        raise GroundworkError(f"the data changed since this idea began ({known.key} -> {made.key}); start a new idea")
    study.workspace.journal.append("prepare", "", made)
    return made


def _produce(study: Study) -> Prepared:
    workspace, setting = study.workspace, study.setting
    out = workspace.path("prepare")
    workspace.write("prepare/profile.json", json.dumps(setting.profile.scale(), indent=1))
    setting.cache.mkdir(parents=True, exist_ok=True)
    flags = ("--profile", str(out / "profile.json"), "--cache", str(setting.cache), "--out", str(out))
    tail = ProgressTail(out, study.backends.screen)
    result = study.backends.executor.run(
        Command(
            argv=(str(study.python), *setting.template.commands.prepare, *flags),
            cwd=out,
            readable=(*study.readable, *setting.own_paths),
            writable=(out, setting.cache),
            env=setting.environment,
            # Trusted, with the store's own cap on the disk: it may take days, and its files are as large as the data.
            limits=setting.limits.model_copy(update={"timeout_s": TIMEOUT_S, "file_mb": FILE_MB}),
            accelerator=setting.accelerator,
            stdout=out / "stdout.log",
            stderr=out / "stderr.log",
        ),
        watch=tail.poll,
    )
    if not result.ok:
        last = (out / "stderr.log").read_text(errors="replace").strip().splitlines()[-1:]
        raise GroundworkError(
            f"{out / 'stderr.log'}: preparing the data failed ({result.stopped or result.exit_code}): {' '.join(last)}"
        )
    return parse(Prepared, json.loads((out / "parts.json").read_text()), out / "parts.json")
