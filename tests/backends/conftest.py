"""Shared by the tests of confined execution: both levels, small Python programs, and a look for what is left."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestrator.backends.sandbox import Protection, probe
from orchestrator.outside import Command
from orchestrator.records import Limits
from tests.conftest import missing

LIMITS = Limits(timeout_s=20, memory_mb=512, file_mb=16, processes=32)


@pytest.fixture(scope="session")
def protection() -> Protection:
    return probe()


@pytest.fixture
def bubblewrap(protection: Protection) -> str:
    if protection.level != "bubblewrap":
        missing(f"no bubblewrap here: {protection.reason}")
    return "bubblewrap"


@pytest.fixture(params=["bubblewrap", "none"])
def level(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("bubblewrap") if request.param == "bubblewrap" else "none"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Command]:
    """Make a command that runs Python code with arguments; it may write the folder `work` alone."""
    work = tmp_path / "work"
    work.mkdir()

    def make(code: str, *arguments: object, **limits: float) -> Command:
        return Command(
            argv=(sys.executable, "-I", "-S", "-c", code, *map(str, arguments)),
            cwd=work,
            writable=(work,),
            limits=LIMITS.model_copy(update=limits),
            stdout=work / "stdout.log",
            stderr=work / "stderr.log",
        )

    return make


class Marked:
    """Finds the processes that carry a word of their own among their arguments, as do those that confine them."""

    def __init__(self) -> None:
        self.word = f"marked-{uuid.uuid4().hex}"

    def alive(self) -> list[str]:
        """Return the name of each."""
        found = []
        for process in psutil.process_iter(["name", "cmdline", "status"]):
            if self.word in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.info["name"])
        return found

    def wait_for_programs(self, number: int) -> None:
        """Return when there are `number` of them, those that confine not counted."""
        deadline = time.monotonic() + 10
        while len(found := [name for name in self.alive() if name not in ("bwrap", "prlimit")]) != number:
            assert time.monotonic() < deadline, f"expected {number} programs, there are {found}"
            time.sleep(0.02)

    def gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


@pytest.fixture
def marked() -> Marked:
    return Marked()
