"""A benchmark of the field's on an idea's accepted runs. Exploratory: nothing of it enters evidence or paper."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, RootModel, ValidationError

from orchestrator import attempts, inputs
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.begun import Begun, provenance
from orchestrator.errors import BadInput
from orchestrator.grading import LIMIT_BYTES, examination
from orchestrator.leftovers import LeftoverRefused, read_leftover, read_log
from orchestrator.observing import broken
from orchestrator.records import FinalInfo, Prepared, Record, Run
from orchestrator.screen import Terminal
from orchestrator.study import Backends, Setting, Study
from orchestrator.template_check import NoModel, Unchanged
from orchestrator.wiring import find_protection, find_run, kept_profile, open_setting
from orchestrator.workspace import Workspace

FOLDER = "evaluations"
FILE = "saebench.json"
TIMEOUT_S = 24 * 3600.0
REFUSED = 2


class Evaluated(Record):
    """One evaluation of one artefact: how it ended, why, and its results; `main` are those that a table shows."""

    status: Literal["ran", "skipped", "failed"]
    why: str
    note: str = ""
    main: dict[str, float | None] = {}
    results: dict[str, JsonValue] = {}


class Evaluations(RootModel[dict[str, dict[str, Evaluated]]]):
    """What the template's `evaluate` leaves for a run: `{artefact: {evaluation: ...}}`."""

    def over(self, before: Evaluations) -> Evaluations:
        """Return these with `before`, of which stands what was tried then and skipped this time."""
        merged = dict(before.root)
        for artefact, now in self.root.items():
            tried = {name for name, one in now.items() if one.status != "skipped"}
            earlier = {name: one for name, one in merged.get(artefact, {}).items() if one.status != "skipped"}
            merged[artefact] = now | {name: one for name, one in earlier.items() if name not in tried}
        return Evaluations(merged)


class Wanted(Record):
    """What the user asked for: evaluations (the template's choice if empty), a folder of data sets, seeds, an export.

    `saelens` is a folder for the weights in the format of SAELens.
    """

    evaluations: str = ""
    data: Path | None = None
    all_seeds: bool = False
    saelens: Path | None = None


@contextmanager
def open_runs(run: str, runs: Path, *, allow_unsandboxed: bool) -> Iterator[Study]:
    """Open the folder of RUN without any model; a template that changed since is used as it is now, with a warning.

    BadInput where the template has no `evaluate`.
    """
    workspace, screen = Workspace(find_run(run, runs)), Terminal()
    try:
        begun = workspace.journal.find("begin", "", Begun)
        if begun is None:
            raise BadInput(f"{workspace.root}: nothing was begun here; start the idea again with --idea")
        folder = inputs.find_template(str(inputs.REPOSITORY / begun.template))
        template = inputs.load_template(folder)
        if not template.commands.evaluate:
            raise BadInput(f"{folder / 'template.toml'}: field commands.evaluate: this template has no such program")
        if json.loads(workspace.read("template.lock")) != inputs.template_lock(folder):
            screen.note(f"warning: {folder} changed since these runs were graded; its program is used as it is now")
        setting = _patient(open_setting(template, kept_profile(workspace, begun, template, folder), folder))
        executor = LocalExecutor(find_protection(allow_unsandboxed=allow_unsandboxed).level)
        backends = Backends(NoModel(), Unchanged(), executor, Latexmk(executor), screen)
        yield Study(inputs.load_idea(workspace.path("idea.json")), setting, workspace, backends, provenance(begun))
    finally:
        screen.close()
        workspace.journal.close()


def evaluate_runs(study: Study, wanted: Wanted) -> Iterator[tuple[str, Evaluations | str]]:
    """Evaluate each accepted run on the part `dev` and yield it with what came of it; a text says why nothing did.

    Results are kept in `evaluations/run_N`. BadInput without an accepted run or the data, or where the program refuses.
    """
    accepted = attempts.accepted(study.workspace.journal)
    if not accepted:
        raise BadInput(f"{study.workspace.root}: no run was accepted yet; `launch.py resume` goes on with it")
    prepared = study.workspace.journal.find("prepare", "", Prepared)
    part = Path(prepared.parts["dev"]) if prepared else None
    if part is None or not part.is_dir():
        raise BadInput(f"{part}: the data of these runs is not here any more; start the idea again with --idea")
    if wanted.data and not wanted.data.is_dir():
        raise BadInput(f"{wanted.data}: --data wants a folder of data sets")
    for run in accepted:
        study.backends.screen.stage("evaluate", run.step.run)
        changed = broken(study, run)
        yield run.step.run, changed.message if changed else _evaluate(study, run, part, wanted)


def _evaluate(study: Study, run: Run, part: Path, wanted: Wanted) -> Evaluations | str:
    """Run the template's program in a folder of its own, and keep what it leaves."""
    workspace = study.workspace
    out, folder, kept = (workspace.path(path) for path in (".evaluating", run.path, f"{FOLDER}/{run.step.run}"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    kept.mkdir(parents=True, exist_ok=True)
    data = (wanted.data.resolve(),) if wanted.data else ()
    flags = [
        "--run",
        str(folder),
        "--part",
        str(part),
        "--out",
        str(out),
        "--artefacts",
        _artefacts(study, run, wanted),
    ]
    flags += ["--evaluations", wanted.evaluations] if wanted.evaluations else []
    flags += ["--data", str(data[0])] if data else []
    flags += ["--saelens"] if wanted.saelens else []
    program = (*study.setting.template.commands.evaluate, *flags)
    command = examination(study, program, (folder, part, *data), out, kept / FOLDER)
    result = study.backends.executor.run(command.model_copy(update={"accelerator": study.setting.accelerator}))
    last = " ".join(read_log(kept, f"{FOLDER}.stderr.log").strip().splitlines()[-1:])[:600]
    if result.exit_code == REFUSED:
        raise BadInput(f"{run.step.run} can't be evaluated: {last}")
    if not result.ok:
        return f"the template's program failed ({result.stopped or result.exit_code or result.signal}): {last}"
    try:
        found = _read(out).over(_read(kept) if (kept / FILE).exists() else Evaluations({}))
    except (LeftoverRefused, ValueError, ValidationError) as error:
        return f"the template's program left no readable {FILE}: {str(error)[:300]}"
    if wanted.saelens and (out / "saelens").is_dir():
        shutil.copytree(out / "saelens", wanted.saelens / run.step.run, dirs_exist_ok=True)
        shutil.rmtree(out / "saelens")
    shutil.copytree(out, kept, symlinks=True, dirs_exist_ok=True)
    workspace.write(kept / FILE, found.model_dump_json(indent=1))
    shutil.rmtree(out)
    return found


def _artefacts(study: Study, run: Run, wanted: Wanted) -> str:
    """Return the run's artefacts as the program takes them: of each condition the first seed, or all."""
    info = FinalInfo.model_validate_json(study.workspace.read(f"{run.path}/final_info.json"))
    seeds = study.setting.seeds_for(run.step)
    return ",".join(f"{name}/seed_{seed}" for name in info.root for seed in (seeds if wanted.all_seeds else seeds[:1]))


def _read(folder: Path) -> Evaluations:
    return Evaluations.model_validate_json(read_leftover(folder, FILE, LIMIT_BYTES))


def _patient(setting: Setting) -> Setting:
    """Return the setting with time for a benchmark: it is no run, and somebody who asked for it waits."""
    limits = setting.limits.model_copy(update={"timeout_s": TIMEOUT_S})
    return replace(setting, profile=setting.profile.model_copy(update={"limits": limits}))
