"""The cache of run_0: one accepted run directory for each template, profile, environment, seeds and data.

An entry is `<setting.baselines>/<key>/`, with `entry.json` (who made it, and SHA-256 of every file) beside the files in
`run_0/`, all read-only. Files are copied and checked by their hashes, never linked: an idea folder can't change what
the next idea gets. What doesn't check out is set aside under another name and run_0 is executed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from orchestrator import inputs
from orchestrator.errors import GroundworkError
from orchestrator.leftovers import list_leftovers
from orchestrator.records import Prepared, ProcessResult, Record, Reused, Run, Step
from orchestrator.study import Study

KIND = "baseline"
ENTRY = "entry.json"
FILES = "run_0"
MAX_FILES = 100_000
MIB = 1024 * 1024


class Entry(Record):
    """What the cache says of a run_0; `files` has SHA-256 by path below its run directory."""

    origin: Reused
    process: ProcessResult
    files: dict[str, str]


def key_of(study: Study) -> str:
    """Return the hash of everything that the baseline's results depend on."""
    data = study.workspace.journal.find("prepare", "", Prepared)
    depends = {
        "template": inputs.template_lock(study.setting.folder),
        "profile": study.setting.profile.scale(),
        "environment": study.lock,
        "seeds": study.setting.seeds,
        "data": data.key if data else "",
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


def take(step: Step, study: Study) -> ProcessResult | None:
    """Fill the run directory of `step` from the cache; None where there is no entry, or none that checks out.

    The process is the one that made the entry. Where the run comes from goes into the journal.
    """
    if study.setting.baselines is None:
        return None
    folder = study.setting.baselines / key_of(study)
    if not folder.is_dir():
        return None
    try:
        entry = _checked(folder)
    except (OSError, ValueError, GroundworkError) as error:
        aside = folder.with_name(f"{folder.name}.refused-{uuid.uuid4().hex[:8]}")
        folder.rename(aside)
        study.backends.screen.note(f"  the cached run_0 does not check out ({error}); it is set aside as {aside}")
        return None
    into = study.workspace.fresh_run_dir(step)
    for name in entry.files:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / FILES / name, into / name)
    study.workspace.journal.append(KIND, step.label, entry.origin)
    study.backends.screen.note(f"  run_0 is that of {entry.origin.made_by}, executed {entry.origin.made_at}")
    return entry.process


def keep(run: Run, study: Study) -> None:
    """Put an accepted run_0 into the cache, unless it came from there or was executed without a sandbox."""
    process = run.process
    if study.setting.baselines is None or process is None or process.sandbox == "none":
        return
    key = key_of(study)
    folder = study.setting.baselines / key
    if folder.exists():
        return
    source, part = study.workspace.path(run.path), folder.with_name(f".{key}.{uuid.uuid4().hex}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    files = {name: _copied(source / name, part / FILES / name) for name in list_leftovers(source, MAX_FILES)}
    origin = Reused(key=key, made_by=study.workspace.root.name, made_at=now)
    (part / ENTRY).write_text(Entry(origin=origin, process=process, files=files).model_dump_json(indent=1))
    part.rename(folder)
    size = sum((folder / FILES / name).stat().st_size for name in files) / MIB
    study.backends.screen.note(f"  run_0 is kept for other ideas: {folder} ({size:.0f} MB)")


def _checked(folder: Path) -> Entry:
    """Return the entry; raises GroundworkError where a file is not what was kept."""
    try:
        entry = Entry.model_validate_json((folder / ENTRY).read_text())
    except ValidationError as error:
        raise GroundworkError(f"{folder / ENTRY}: {error.errors()[0]['msg']}") from error
    if entry.origin.key != folder.name or set(list_leftovers(folder / FILES, MAX_FILES)) != set(entry.files):
        raise GroundworkError(f"{folder}: files are missing or were added")
    for name, sha256 in entry.files.items():
        if hashlib.sha256((folder / FILES / name).read_bytes()).hexdigest() != sha256:
            raise GroundworkError(f"{folder / FILES / name}: changed since it was kept")
    return entry


def _copied(source: Path, target: Path) -> str:
    """Copy one file, make the copy read-only, and return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o444)
    return hashlib.sha256(target.read_bytes()).hexdigest()
