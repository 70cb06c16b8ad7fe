"""A template's environment with one more package: a folder of its own that adds to the one before it.

The new environment sees the old one's packages through a path file and holds what is new; the old lock constrains pip,
so that nothing of it changes. Only wheels are taken: installing runs no code of the package.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import GroundworkError
from orchestrator.inputs import EXTENDS

COMPLETE = ".complete"
PROBE = "import sys; print('\\n'.join(p for p in sys.path if p.endswith('site-packages')))"
TIMEOUT_S = 1800


def extend(base: Path, lock: str, package: str, folder: Path) -> str:
    """Make the environment `folder` of the Python `base` and `package`; return its lock, which begins with `lock`.

    Raises GroundworkError with pip's own words where the package can't be had within the lock.
    """
    if not (folder / COMPLETE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _make(base, lock, package, folder)
        (folder / COMPLETE).touch()
    added = _run([str(base), "-m", "pip", "list", "--format=freeze", "--path", str(_site(folder))])
    return "\n".join([lock.rstrip(), f"# added for {package}", added.strip()]) + "\n"


def _make(base: Path, lock: str, package: str, folder: Path) -> None:
    _run([str(base), "-m", "venv", "--without-pip", str(folder)])
    site = _site(folder)
    (site / EXTENDS).write_text(_run([str(base), "-c", PROBE]))
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(line for line in lock.splitlines() if "==" in line) + "\n")
    pip = [str(base), "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-input"]
    flags = ["--disable-pip-version-check", "--only-binary", ":all:", "--constraint", str(constraints)]
    _run([*pip, *flags, package])


def _site(folder: Path) -> Path:
    return next(folder.glob("lib/python3*/site-packages"))


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise GroundworkError(f"pip did not end within {TIMEOUT_S} s: {' '.join(command[-1:])}") from error
    if done.returncode:
        last = [line for line in done.stderr.strip().splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
        raise GroundworkError(f"the package can't be installed: {' '.join(last)[:500]}")
    return done.stdout
