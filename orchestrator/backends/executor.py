"""Runs confined programs on this machine, within their limits, and leaves no process of theirs behind.

Whatever ends a run, every process that came from it is killed and reaped. If the orchestrator itself is killed
(SIGKILL), the bubblewrap level still leaves nothing, since the kernel ends the tree with its parent; at level `none`
the program and its children live on.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from orchestrator.backends.process_tree import ProcessTree
from orchestrator.backends.sandbox import MIB, Level
from orchestrator.errors import GroundworkError
from orchestrator.outside import Command
from orchestrator.records import ProcessResult

POLL_S = 0.25
WATCH_S = 0.5
GUARD_S = 1.0
PR_SET_CHILD_SUBREAPER = 36


class LocalExecutor:
    """Implements `protocols.Executor`. One `run` at a time in a process; workers may stay open beside it."""

    def __init__(self, level: Level) -> None:
        self._level = level
        # Orphans of what we start become our children, so that they can be found, killed and reaped.
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise GroundworkError(f"cannot become a subreaper: {os.strerror(ctypes.get_errno())}")

    def run(self, command: Command, watch: Callable[[], str] | None = None) -> ProcessResult:
        """Run `command` to its end; see `protocols.Executor`. Sizes are MiB of resident memory, times seconds.

        `stopped` is `timeout`, `memory`, `processes`, `output` (stdout or stderr reached `file_mb`) or what `watch`
        said. CPU time and memory are sampled four times a second. The limits hold for what runs `beside` it, too.
        GroundworkError where the program is not installed, can't be confined, or can't be killed: that is no fault of
        the experiment.
        """
        reaped_before_s, started = _reaped_cpu_s(), time.monotonic()
        with _fresh(command.stdout) as stdout, _fresh(command.stderr) as stderr, ExitStack() as beside:
            joined = [beside.enter_context(self._beside(one)) for one in command.beside]
            tree = ProcessTree(command, self._level, adopts=True)
            try:
                root = tree.start(subprocess.DEVNULL, stdout, stderr, tuple(end.fileno() for _, end in joined))
                trees = (tree, *(other for other, _ in joined))
                stopped = _supervise(trees, lambda: _flooded(command, stdout, stderr), watch)
            finally:
                tree.end()
        wall_s = time.monotonic() - started
        if root.returncode > 0 and not stopped and not tree.began:
            raise GroundworkError(f"bubblewrap could not start {command.argv[0]}: {_last_line(command.stderr)}")
        exit_code, signal_number = _ending(root.returncode, self._level)
        return ProcessResult(
            exit_code=exit_code,
            signal=signal_number,
            stopped=stopped,
            wall_s=wall_s,
            # Processes shorter than a poll are only in the kernel's sum, killed ones only in the samples.
            cpu_s=max(tree.cpu_s, _reaped_cpu_s() - reaped_before_s),
            peak_rss_mb=tree.peak_rss_mb,
            sandbox=self._level,
        )

    @contextmanager
    def _beside(self, command: Command) -> Iterator[tuple[ProcessTree, socket.socket]]:
        """Run `command` for as long as the block does; the socket is our end of its standard input."""
        ours, theirs = socket.socketpair()
        with ours, _fresh(command.stderr) as stderr:
            tree = ProcessTree(command, self._level, adopts=False)
            try:
                with theirs:
                    tree.start(theirs.fileno(), subprocess.DEVNULL, stderr)
                yield tree, ours
            finally:
                tree.end()

    def open(self, command: Command) -> Worker:
        """Start a long-lived `command` with pipes; its stderr goes to `command.stderr`, `command.stdout` is unused.

        Must be called from a thread that outlives the worker: the kernel ends it with the thread that started it.
        """
        tree = ProcessTree(command, self._level, adopts=False)
        try:
            with _fresh(command.stderr) as stderr:
                tree.start(subprocess.PIPE, subprocess.PIPE, stderr)
        except BaseException:
            tree.end()
            raise
        return Worker(tree)


class Worker:
    """A running program with text pipes. A thread of its own watches the limits; `stopped` names one that was hit."""

    def __init__(self, tree: ProcessTree) -> None:
        process = tree.root
        if process is None or process.stdin is None or process.stdout is None:
            raise ValueError("a worker needs a started process with pipes")
        self.stdin: IO[str] = process.stdin
        self.stdout: IO[str] = process.stdout
        self.stopped = ""
        self._tree = tree
        self._closing = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._guard, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """True when the program is no more, whoever ended it."""
        return self._tree.root is None or self._tree.root.poll() is not None

    def close(self) -> None:
        """End the process tree, then close the pipes. May be called again, and while another thread reads."""
        with self._closing:
            if self._closed.is_set():
                return
            self._closed.set()
            self._tree.end()
            for pipe in (self.stdin, self.stdout):
                # What was still to be written has no reader any more.
                with suppress(OSError):
                    pipe.close()

    def _guard(self) -> None:
        while not self._closed.wait(GUARD_S):
            self.stopped = self._tree.breach()
            if self.stopped:
                self.close()


def _supervise(trees: tuple[ProcessTree, ...], flooded: Callable[[], str], watch: Callable[[], str] | None) -> str:
    """Wait for the first program; return why it has to be stopped, or '' where it ended by itself."""
    pause_s, next_watch = 0.02, time.monotonic() + WATCH_S
    while True:
        if trees[0].wait(pause_s):
            return flooded()
        stopped = next(filter(None, [tree.breach() for tree in trees]), "") or flooded()
        if watch and not stopped and time.monotonic() >= next_watch:
            stopped, next_watch = watch(), time.monotonic() + WATCH_S
        if stopped:
            return stopped
        pause_s = min(2 * pause_s, POLL_S)


def _flooded(command: Command, *logs: IO[bytes]) -> str:
    limit = command.limits.file_mb * MIB
    return "output" if any(os.fstat(log.fileno()).st_size >= limit for log in logs) else ""


def _ending(returncode: int, level: Level) -> tuple[int | None, int | None]:
    """Return exit code and signal. Bubblewrap, like a shell, reports a signal n as 128 + n."""
    if level == "bubblewrap" and returncode - 128 in set(signal.Signals):
        return None, returncode - 128
    return (returncode, None) if returncode >= 0 else (None, -returncode)


def _fresh(path: Path) -> IO[bytes]:
    """Open a new file for a log. A link or a FIFO that an earlier program left there is removed, a folder set aside."""
    if path == Path(os.devnull):
        return path.open("wb")
    try:
        if path.is_dir() and not path.is_symlink():
            path.rename(path.with_name(f"{path.name}.{uuid.uuid4().hex}"))
        path.unlink(missing_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644), "ab")
    except OSError as error:
        raise GroundworkError(f"{path}: the log cannot be written: {error.strerror}") from error


def _reaped_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _last_line(path: Path) -> str:
    return (path.read_text(errors="replace").strip().splitlines() or ["it gave no reason"])[-1]
