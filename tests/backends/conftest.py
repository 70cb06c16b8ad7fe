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
from orchestrator.records import Command, Limits

LIMITS = Limits(timeout_s=20, memory_mb=512, file_mb=16, processes=32)


@pytest.fixture(scope="session")
def protection() -> Protection:
    return probe()


@pytest.fixture
def bubblewrap(protection: Protection) -> str:
    if protection.level != "bubblewrap":
        pytest.skip(f"no bubblewrap here: {protection.reason}")
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
    """Finds the processes that carry a word of their own among their arguments."""

    def __init__(self) -> None:
        self.word = f"marked-{uuid.uuid4().hex}"

    def alive(self) -> list[int]:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if self.word in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        return found

    def wait_for(self, number: int, seconds: float = 10) -> list[int]:
        """Return the processes as soon as there are `number` of them, or those there are when time is up."""
        deadline = time.monotonic() + seconds
        while len(found := self.alive()) != number and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


@pytest.fixture
def marked() -> Marked:
    return Marked()
