"""A confined program with every process that came from it: measured, killed and reaped as one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import psutil

from orchestrator.backends.sandbox import MIB, Level, confine, environment
from orchestrator.errors import GroundworkError
from orchestrator.outside import Command

KILL_S = 10.0
MARK = "GROUNDWORK_TREE"
BESIDE = "GROUNDWORK_BESIDE"
# Bubblewrap is two processes itself, one outside the process namespace and its init inside.
WRAPPERS: dict[Level, int] = {"bubblewrap": 2, "none": 0}

_starting = threading.Lock()
_roots: set[int] = set()


class ProcessTree:
    """A confined program and every process that came from it, with what they have used.

    `began` says after the end whether the program itself ran to an end, and not only what confines it.
    A process that left its parents behind (double fork, setsid) becomes a child of ours. It is known by a variable of
    its environment; and with `adopts`, whatever it did to that, every child that appears after this was made and that
    no other tree started is taken for one of them.
    """

    def __init__(self, command: Command, level: Level, *, adopts: bool) -> None:
        self.root: subprocess.Popen[str] | None = None
        self.began = False
        self.peak_rss_mb = 0.0
        self._command, self._level, self._adopts = command, level, adopts
        self._mark = uuid.uuid4().hex
        self._before = set(psutil.Process().children())
        self._seen: dict[psutil.Process, float] = {}
        self._deadline = time.monotonic() + command.limits.timeout_s
        self._status: IO[str] | None = None

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes, each as last seen."""
        return sum(self._seen.values())

    def start(
        self, stdin: int, stdout: int | IO[bytes], stderr: IO[bytes], sockets: tuple[int, ...] = ()
    ) -> subprocess.Popen[str]:
        """Start the program in a session of its own; raises GroundworkError where it is not installed.

        `sockets` are the descriptors that join it to what runs beside it.
        """
        _require_program(self._command)
        reader, status = os.pipe()
        self._status = os.fdopen(reader)
        try:
            with _starting:
                self.root = subprocess.Popen(
                    confine(self._command, self._level, status),
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    cwd="/" if self._level == "bubblewrap" else self._command.cwd,
                    env=environment(self._command) | {MARK: self._mark} | _joined(sockets),
                    pass_fds=(*sockets, status) if self._level == "bubblewrap" else sockets,
                    start_new_session=True,
                    encoding="utf-8",
                )
                _roots.add(self.root.pid)
        except OSError as error:
            raise GroundworkError(f"{self._command.argv[0]} could not be started: {error}") from error
        finally:
            os.close(status)
        return self.root

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; return whether the program has ended (what it started may go on)."""
        if self.root is not None:
            try:
                self.root.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True

    def breach(self) -> str:
        """Measure the tree; return the limit that it has reached, else ''."""
        processes, rss = self._members(), 0
        for process in processes:
            with suppress(psutil.Error), process.oneshot():
                rss += process.memory_info().rss
                times = process.cpu_times()
                self._seen[process] = times.user + times.system
        self.peak_rss_mb = max(self.peak_rss_mb, rss / MIB)
        limits = self._command.limits
        if time.monotonic() >= self._deadline:
            return "timeout"
        if rss > limits.memory_mb * MIB:
            return "memory"
        return "processes" if len(processes) - WRAPPERS[self._level] > limits.processes else ""

    def end(self) -> None:
        """Kill and reap all of it, held up by no second Ctrl-C; GroundworkError where a process will not die."""
        deadline = time.monotonic() + KILL_S
        with _interrupts_held():
            while processes := self._members():
                for process in processes:
                    with suppress(psutil.Error):
                        process.kill()
                    self._reap(process.pid)
                if time.monotonic() > deadline:
                    pids = ", ".join(str(process.pid) for process in processes)
                    raise GroundworkError(f"processes of {self._command.argv[0]} cannot be killed: {pids}")
                time.sleep(0.005)
            if self.root is not None:
                _roots.discard(self.root.pid)
            if self._status is not None:
                self.began = self._level == "none" or '"exit-code"' in self._status.read()
                self._status.close()

    def _reap(self, pid: int) -> None:
        if self.root is not None and pid == self.root.pid:
            self.root.poll()
            return
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

    def _members(self) -> list[psutil.Process]:
        with _starting:
            heads = [child for child in psutil.Process().children() if self._owns(child)]
        found = list(heads)
        for head in heads:
            with suppress(psutil.Error):
                found += head.children(recursive=True)
        for process in found:
            self._seen.setdefault(process, 0.0)
        return found

    def _owns(self, child: psutil.Process) -> bool:
        if child.pid in _roots:
            return self.root is not None and child.pid == self.root.pid
        if child in self._seen or (self._adopts and child not in self._before):
            return True
        with suppress(psutil.Error, OSError):
            return child.environ().get(MARK) == self._mark
        return False


def _joined(sockets: tuple[int, ...]) -> dict[str, str]:
    return {BESIDE: ",".join(map(str, sockets))} if sockets else {}


def _require_program(command: Command) -> None:
    program = command.argv[0]
    path = str(command.cwd / program) if "/" in program else program
    if shutil.which(path, path=environment(command)["PATH"]) is None:
        raise GroundworkError(f"{program}: no such program is installed")


@contextmanager
def _interrupts_held() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
