"""Shared by all tests: where the quick setting lies, and the command line as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QUICK = ROOT / "tests" / "quick"

# Programs that the tests start inherit an ignored interrupt, where the tests themselves run in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)


def missing(what: str) -> None:
    """Skip where a person's machine lacks something; in CI a missing install is a failure."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def launch():
    """Run launch.py as a user does; return the finished process."""

    def run(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "launch.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)

    return run


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory) -> Path:
    """The quick idea, carried from plan to paper once for all tests that look at a finished folder."""
    runs = tmp_path_factory.mktemp("runs")
    command = [
        sys.executable,
        str(ROOT / "launch.py"),
        "--idea",
        str(QUICK / "quick_momentum.json"),
        "--runs",
        str(runs),
        "--fresh-baseline",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = runs.iterdir()
    (folder / "screen.txt").write_text(done.stderr + done.stdout)
    return folder
