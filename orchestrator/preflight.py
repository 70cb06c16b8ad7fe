"""Before anything is spent: the template says what stands in a profile's way; what is missing is fetched.

These are the template's own programs, unconfined: they are trusted, and `fetch` needs the network. No run has begun.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import BadInput, GroundworkError
from orchestrator.inputs import parse
from orchestrator.records import Record, Scalar
from orchestrator.study import Setting

ANSWER = "preflight.json"
MIB = 1024 * 1024
HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - a variable's name


class Checked(Record):
    """What a template's preflight answers: problems, each with what to do; what is to be fetched; what it will take."""

    problems: tuple[str, ...]
    fetch: tuple[str, ...] = ()
    expected: dict[str, Scalar] = {}


def make_ready(setting: Setting, runs: Path, token: str | None, say: Callable[[str], None]) -> None:
    """Fetch what the profile lacks and check it; BadInput with every problem at once, before anything is spent.

    `token` is the user's for the model hub; only `fetch` gets it.
    """
    if not setting.template.commands.preflight:
        return
    checked = check(setting)
    if checked.fetch and not checked.problems:
        say(f"{setting.profile.name}: fetching {' and '.join(checked.fetch)}")
        fetch(setting, token)
        checked = check(setting)
    problems = [*checked.problems, *_beyond_limits(checked, setting, runs)]
    if problems:
        raise BadInput(f"profile '{setting.profile.name}': " + "; ".join(problems))
    say(f"{setting.profile.name}: {_in_words(checked, setting)}")


def check(setting: Setting) -> Checked:
    """Return what the template's preflight says of the profile; GroundworkError if it fails itself."""
    with tempfile.TemporaryDirectory(prefix="preflight") as scratch:
        done = run_trusted(setting, setting.template.commands.preflight, ("--out", scratch))
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise GroundworkError(f"{setting.folder}: the template's preflight failed: {last[0]}")
        answer = Path(scratch) / ANSWER
        return parse(Checked, json.loads(answer.read_text()), answer)


def fetch(setting: Setting, token: str | None = None) -> None:
    """Run the template's `fetch`, the only program that may use the network; BadInput where it can't get something."""
    extra = {HUB_TOKEN: token} if token else {}
    done = run_trusted(setting, setting.template.commands.fetch, (), extra)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise BadInput(f"profile '{setting.profile.name}': {last[0]}")


def run_trusted(
    setting: Setting, program: tuple[str, ...], flags: tuple[str, ...], extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the template with `--profile`, `--cache` and `flags`; what it says goes to our stderr."""
    setting.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".json", prefix="profile") as described:
        described.write(json.dumps(setting.profile.scale()))
        described.flush()
        places = ("--profile", described.name, "--cache", str(setting.cache))
        return subprocess.run(
            [str(setting.python), *program, *places, *flags],
            cwd=setting.folder,
            env={**os.environ, **setting.environment, "PYTHONDONTWRITEBYTECODE": "1", **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


def _beyond_limits(checked: Checked, setting: Setting, runs: Path) -> list[str]:
    """Return where what a profile takes passes its own limits, or the disk on which the runs lie."""
    memory, artefacts = (float(checked.expected.get(key, 0)) for key in ("memory_mb", "artefacts_mb"))
    existing = next(path for path in (runs.resolve(), *runs.resolve().parents) if path.is_dir())
    free = shutil.disk_usage(existing).free / MIB
    found = []
    if memory > setting.limits.memory_mb:
        allowed = f"{setting.limits.memory_mb} are allowed and about {memory:.0f} needed"
        found.append(f"limits.memory_mb: {allowed}; raise it in the profile")
    if artefacts > free:
        found.append(
            f"{existing}: about {artefacts:.0f} MB of artefacts are expected and {free:.0f} MB free; free some"
        )
    return found


def _in_words(checked: Checked, setting: Setting) -> str:
    sizes = ", ".join(f"{key} {value}" for key, value in checked.expected.items())
    expected = setting.profile.expected
    return f"{sizes}; {expected.time} ({expected.source})" if expected else sizes
