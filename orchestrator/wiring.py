"""Opens an idea folder, new or old, and connects models and backends to it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import inputs
from orchestrator.backends.coder import AiderCoder
from orchestrator.backends.environments import extend
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.backends.sandbox import Protection, probe
from orchestrator.backends.scholar import open_scholars, scholar_names
from orchestrator.begun import Begun, provenance
from orchestrator.errors import BadInput, GroundworkError, PackageNeeded
from orchestrator.flags import BUNDLED, BudgetFlags, Decided, Models, Start
from orchestrator.literature import find_literature
from orchestrator.models import prices
from orchestrator.models.choice import Desk, open_all
from orchestrator.models.gateway import Gateway
from orchestrator.models.keys import Keys, take_keys
from orchestrator.models.ledger import Ledger, Opened
from orchestrator.models.recording import drift
from orchestrator.models.session import read_session
from orchestrator.preflight import HUB_TOKEN, make_ready
from orchestrator.protocols import Coder, LanguageModel, Screen
from orchestrator.records import Decision, Idea, Profile, Template
from orchestrator.screen import Terminal
from orchestrator.study import DECISION, LOCK, Backends, Setting, Study
from orchestrator.workspace import Workspace

SESSION = "session.jsonl"
PROFILE = "profile.json"


@contextmanager
def begin(start: Start, models: Models) -> Iterator[Study]:
    """Make a new idea folder and open it; BadInput before anything is written where a flag or file is wrong."""
    keys = take_keys(start.key_file, _warn)
    idea_file = inputs.find_idea(start.idea)
    idea = inputs.load_idea(idea_file)
    folder = _template_folder(start.template or idea.template, idea_file)
    template = inputs.load_template(folder)
    session = _session(models, idea_file)
    profile = inputs.find_profile(start.profile, template, folder)
    setting = open_setting(template, profile, folder)
    models.check(keys)
    protection = find_protection(allow_unsandboxed=start.allow_unsandboxed)
    make_ready(setting, start.runs, keys.get(HUB_TOKEN), _say)
    begun = Begun(
        idea=idea.Name,
        template=_portable(folder),
        profile=profile.name,
        models=models,
        edit_format=start.edit_format,
        fresh_baseline=start.fresh_baseline,
        session=session.name if session else "",
        session_kind=read_session(session)[0].kind if session else "",
        date=datetime.now(UTC).date().isoformat(),
        sandbox=protection.level,
        scholars=scholar_names(start.scholar) if start.scholar is not None else (),
        literature=find_literature(start.literature, idea_file),
        improve=start.improve,
    )
    workspace = Workspace.create(start.runs, idea.Name)
    with _resumable(workspace):
        workspace.write("idea.json", idea_file.read_bytes())
        if session:
            workspace.write(SESSION, session.read_bytes())
        workspace.write(PROFILE, profile.model_dump_json(indent=1))
        workspace.write("template.lock", json.dumps(inputs.template_lock(folder), indent=1))
        for name in ("experiment.py", "plot.py"):
            workspace.write(name, (folder / name).read_bytes())
        workspace.journal.append("begin", "", begun)
        with _open(workspace, begun, keys, allow_unsandboxed=start.allow_unsandboxed) as study:
            yield study


@contextmanager
def reopen(run: str, start: Start, budgets: BudgetFlags, decided: Decided | None = None) -> Iterator[Study]:
    """Open an idea folder again; BadInput where it is none, or where its template has changed since.

    Packages on which the user `decided` are installed, into a new environment, or noted as refused.
    """
    keys = take_keys(start.key_file, _warn)
    workspace = Workspace(find_run(run, start.runs))
    begun = workspace.journal.find("begin", "", Begun)
    if begun is None:
        raise BadInput(f"{workspace.root}: nothing was begun here; start the idea again with --idea")
    last = workspace.journal.find("budget", "", Opened)
    limits = budgets.over(last.budgets if last else begun.models.budgets)
    models = begun.models.model_copy(update={"budgets": limits})
    models.check(keys)
    begun = begun.model_copy(update={"models": models, "improve": begun.improve or start.improve})
    with _resumable(workspace), _open(workspace, begun, keys, allow_unsandboxed=start.allow_unsandboxed) as study:
        _decide(decided or Decided(), study)
        yield study


def _decide(decided: Decided, study: Study) -> None:
    """Write the user's word on packages into the journal; a yes makes an environment first."""
    journal = study.workspace.journal
    for package in decided.allow_package:
        if journal.find(DECISION, package, Decision) is None:
            study.backends.screen.stage("install", package)
            name = f"{study.setting.template.name}-{hashlib.sha256(f'{study.lock}{package}'.encode()).hexdigest()[:12]}"
            lock = extend(study.python, study.lock, package, inputs.ENVIRONMENTS / name)
            sha256 = study.workspace.write(LOCK, lock)
            journal.append(DECISION, package, Decision(allowed=True, environment=name, lock_sha256=sha256))
    for package in decided.deny_package:
        journal.once(DECISION, package, Decision, lambda: Decision(allowed=False))


@contextmanager
def _resumable(workspace: Workspace) -> Iterator[None]:
    """Say with every interruption and failure how the work goes on."""
    command = f"python launch.py resume {workspace.root}"
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; nothing is lost: {command}") from None
    except PackageNeeded:
        raise
    except GroundworkError as error:
        error.add_note(f"once mended: {command}")
        raise


@contextmanager
def _open(workspace: Workspace, begun: Begun, keys: Keys, *, allow_unsandboxed: bool) -> Iterator[Study]:
    folder = inputs.find_template(str(inputs.REPOSITORY / begun.template))
    if json.loads(workspace.read("template.lock")) != inputs.template_lock(folder):
        raise BadInput(f"{folder}: the template changed since this idea began; start the idea again with --idea")
    template = inputs.load_template(folder)
    protection = find_protection(allow_unsandboxed=allow_unsandboxed)
    workspace.write("sandbox.json", protection.describe())
    executor = LocalExecutor(protection.level)
    setting = open_setting(template, kept_profile(workspace, begun, template, folder), folder)
    if not begun.fresh_baseline:
        setting = replace(setting, baselines=setting.cache / "baselines")
    screen = Terminal()
    screen.note(f"{begun.idea} in {workspace.root}")
    screen.note(provenance(begun))
    coder = AiderCoder(Path(sys.executable), workspace.path("coder.log"), executor.open)
    llm, scholars = _gateway(workspace, begun, keys, screen), open_scholars(begun.scholars, keys)
    backends = Backends(llm, coder, executor, Latexmk(executor), screen, scholars)
    try:
        idea = inputs.load_idea(workspace.path("idea.json"))
        scripted = begun.session_kind == "scripted"
        literature = Path(begun.literature) if begun.literature else None
        yield Study(
            idea,
            setting,
            workspace,
            backends,
            provenance(begun),
            edit_format=begun.edit_format,
            scripted=scripted,
            improve=begun.improve,
            literature=literature,
        )
        if begun.session:
            drifted = drift(workspace.journal, workspace.path(SESSION))
            if drifted.compared:
                screen.note(f"{drifted.drifted} of {drifted.compared} prompts differ from those of {begun.session}")
    finally:
        coder.close()
        screen.close()
        workspace.journal.close()


@contextmanager
def trial(
    name: str, profile: str | None, scratch: Path, *, allow_unsandboxed: bool
) -> Iterator[Callable[[LanguageModel, Coder], Study]]:
    """Open a template by itself, for `check-template`: the caller says who stands in for model and coder."""
    folder = inputs.find_template(str(Path(name).resolve()) if (Path(name) / "template.toml").is_file() else name)
    template = inputs.load_template(folder)
    setting = open_setting(template, inputs.find_profile(profile, template, folder), folder)
    executor = LocalExecutor(find_protection(allow_unsandboxed=allow_unsandboxed).level)
    workspace, screen = Workspace.create(scratch, template.name), Terminal()
    for file in ("experiment.py", "plot.py"):
        workspace.write(file, (folder / file).read_bytes())
    idea = Idea(Name="check_template", Title="The baseline alone", Experiment="None.", template=template.name)
    try:
        yield lambda llm, coder: Study(
            idea, setting, workspace, Backends(llm, coder, executor, Latexmk(executor), screen), "No paper is written."
        )
    finally:
        screen.close()
        workspace.journal.close()


def _gateway(workspace: Workspace, begun: Begun, keys: Keys, screen: Screen) -> Gateway:
    models = begun.models
    desk = Desk(folder=workspace.root, session=workspace.path(SESSION))
    provider = open_all(models.default, models.roles, desk, keys, screen.note)
    ledger = Ledger(workspace.journal, models.budgets, prices.source()) if models.live else None
    return Gateway(provider, workspace, ledger, keys=keys)


def open_setting(template: Template, profile: Profile, folder: Path) -> Setting:
    """Return a template at a profile's scale, with the places where its environment and its cache lie here."""
    return Setting(
        template=template,
        profile=profile,
        folder=folder,
        python=inputs.environment_python(folder, template.name),
        cache=cache_folder(template.name),
    )


def cache_folder(template: str) -> Path:
    """Return where a template keeps models, data and activations ($GROUNDWORK_CACHE, else .cache/)."""
    return Path(os.environ.get("GROUNDWORK_CACHE") or inputs.REPOSITORY / ".cache").resolve() / template


def find_run(run: str, runs: Path) -> Path:
    """Return the idea folder for a path or a name under runs/; BadInput where it has no journal."""
    for folder in (Path(run), runs / run):
        if (folder / "journal.jsonl").is_file():
            return folder.resolve()
    raise BadInput(f"{run}: no idea folder here nor under {runs} (one has a journal.jsonl); see `launch.py list`")


def _session(models: Models, idea_file: Path) -> Path | None:
    """Return the session that the models replay, if any does: a named one, or the one beside the idea."""
    replays = [choice.name for choice in models.choices.values() if choice.provider == BUNDLED]
    if not replays:
        return None
    session = next((Path(name) for name in replays if name), inputs.session_of(idea_file))
    if not session.is_file():
        raise BadInput(f"{session}: no such session; name a model with --model, or a session with --model replay:FILE")
    return session


def _warn(text: str) -> None:
    _say(f"warning: {text}")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _template_folder(name: str, idea_file: Path) -> Path:
    beside = idea_file.parent / name
    return inputs.find_template(str(beside.resolve()) if (beside / "template.toml").is_file() else name)


def kept_profile(workspace: Workspace, begun: Begun, template: Template, folder: Path) -> Profile:
    """Return the profile with which an idea was begun; it lies in the folder, since the user's own file may be gone."""
    path = workspace.path(PROFILE)
    if not path.is_file():
        return inputs.find_profile(begun.profile, template, folder)
    return inputs.parse(Profile, json.loads(path.read_text()), path)


def find_protection(*, allow_unsandboxed: bool) -> Protection:
    """Return how code is confined here; BadInput where it isn't, and the user did not accept that."""
    protection = probe()
    if protection.level == "none" and not allow_unsandboxed:
        raise BadInput(
            f"model-written code can't be confined here: {protection.reason}; run scripts/setup, or accept the "
            "risk with --allow-unsandboxed"
        )
    return protection


def _portable(folder: Path) -> str:
    return str(folder.relative_to(inputs.REPOSITORY)) if folder.is_relative_to(inputs.REPOSITORY) else str(folder)
