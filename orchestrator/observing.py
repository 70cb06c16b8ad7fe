"""What our own code sees of a run: protected files before and after, what it left, and what it reported as it went."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from orchestrator import attempts, inputs
from orchestrator.evidence.facts import FACTS, Counter, RunFacts
from orchestrator.leftovers import LeftoverRefused, list_leftovers, read_leftover
from orchestrator.records import Finding, Record, Run, Step
from orchestrator.study import Study

SEAL = "seal"
OURS = ("final_info.json", "test_info.json", "run.json", FACTS)
PROTECTED = (
    "experiment.py",
    "plot.py",
    "idea.json",
    "template.lock",
    "journal.jsonl",
    "session.jsonl",
    "evidence.json",
)
GIVEN = "job.json"
HASHED_BYTES = 4 * 1024 * 1024
PROGRESS_BYTES = 64 * 1024 * 1024
MAX_FILES = 100_000
NAME = 80  # characters of a condition's name that are kept: longer than any that a result can have


class Seal(Record):
    """SHA-256, by path in the idea folder, of the files that an executed run's results stand on."""

    files: dict[str, str]


def protected(study: Study, step: Step) -> dict[str, str]:
    """Return a mark for every file that a run may not touch: its job, the code, the template, earlier runs.

    A mark is SHA-256 or, for a large file, its size and the time of its last change, which no program can set back.
    """
    root, folder = study.workspace.root, study.setting.folder
    runs = attempts.accepted(study.workspace.journal)
    earlier = [f"{run.path}/{name}" for run in runs for name in _files(study.workspace.path(run.path))]
    ours = {name: _mark(root / name) for name in (f"{step.run}/{GIVEN}", *PROTECTED, *earlier)}
    lock = inputs.template_lock(folder)
    return ours | {f"template {study.setting.template.name}: {name}": sha256 for name, sha256 in lock.items()}


def changed(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """Return the names of what is not as it was, what is new or gone included."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def set_aside(folder: Path) -> dict[str, str]:
    """Rename what a run left under names of our own files; return SHA-256 by name ('' where it is no regular file).

    What stands there is the run's claim and no result; a folder of such a name would also be in the way of ours.
    """
    folder.chmod(0o755)
    claimed = {}
    for name in OURS:
        path = folder / name
        if path.is_symlink() or path.exists():
            claimed[name] = _sha256(folder, name, HASHED_BYTES)
            path.rename(folder / f"{name}.claimed-{uuid.uuid4().hex[:8]}")
    return claimed


def artefacts(folder: Path, limit_bytes: int) -> dict[str, str]:
    """Return SHA-256 by relative path of what trainings left: regular files in folders of the run directory."""
    names = [name for name in list_leftovers(folder, MAX_FILES) if "/" in name]
    return {name: _sha256(folder, name, limit_bytes) for name in names}


def counters(folder: Path) -> dict[str, Counter]:
    """Return what progress.jsonl shows, by `condition/seed`; lines that aren't of its form count for nothing."""
    steps: dict[str, list[int]] = {}
    for line in _lines(folder):
        condition, seed, step = (line.get(key) for key in ("condition", "seed", "step"))
        if isinstance(condition, str) and isinstance(seed, int) and isinstance(step, int) and step > 0:
            steps.setdefault(f"{condition[:NAME]}/{seed}", []).append(step)
    return {name: _counter(found) for name, found in steps.items()}


def seal(study: Study, step: Step, facts: RunFacts) -> None:
    """Write a graded run's facts, and the hashes that its results can be checked by into the journal."""
    workspace = study.workspace
    workspace.write(f"{step.run}/{FACTS}", facts.model_dump_json(indent=1))
    names = [f"{step.run}/{name}" for name in (GIVEN, FACTS, "final_info.json")]
    workspace.journal.append(SEAL, step.label, Seal(files={name: workspace.sha256(name) for name in names}))


def broken(study: Study, run: Run) -> Finding | None:
    """Return the finding on an accepted run whose files are not those that it was graded with; None where all are."""
    workspace, limit_bytes = study.workspace, study.setting.limits.file_mb * 1024 * 1024
    sealed = workspace.journal.find(SEAL, run.step.label, Seal)
    files = dict(sealed.files) if sealed else {}
    if all(_sha256(workspace.root, path, PROGRESS_BYTES) == sha256 for path, sha256 in files.items()):
        left = RunFacts.model_validate_json(workspace.read(f"{run.path}/{FACTS}")).artefacts if sealed else {}
        files |= {f"{run.path}/{name}": sha256 for name, sha256 in left.items()}
    for path, sha256 in files.items():
        if _sha256(workspace.root, path, max(limit_bytes, PROGRESS_BYTES)) != sha256:
            message = f"{path} changed since {run.step.run} was graded, so the run counts no longer"
            return Finding(code="tampered", severity="error", message=message, where=path)
    return None


def _files(folder: Path) -> tuple[str, ...]:
    try:
        return list_leftovers(folder, MAX_FILES)
    except LeftoverRefused:
        return ()


def _mark(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return "no regular file"
    status = path.stat()
    if status.st_size > HASHED_BYTES:
        return f"{status.st_size} bytes, {status.st_ctime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sha256(folder: Path, name: str, limit_bytes: int) -> str:
    try:
        return hashlib.sha256(read_leftover(folder, name, limit_bytes)).hexdigest()
    except LeftoverRefused:
        return ""


def _lines(folder: Path) -> Iterator[dict[str, object]]:
    try:
        content = read_leftover(folder, "progress.jsonl", PROGRESS_BYTES)
    except LeftoverRefused:
        return
    for raw in content.splitlines():
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _counter(steps: list[int]) -> Counter:
    """Return what steps, in the order of their lines, show of one training."""
    rising = sorted(steps)
    gap = max(b - a for a, b in zip([0, *rising], rising, strict=False))
    return Counter(last=rising[-1], gap=gap, trainings=1 + sum(b <= a for a, b in pairwise(steps)))
