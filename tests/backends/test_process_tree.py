"""Nothing is left: not after a limit, an exception, Ctrl-C, nor after the orchestrator itself was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.backends.executor import LocalExecutor

ROOT = Path(__file__).resolve().parents[2]

# Starts a daemon as daemons are started: two forks and a session of its own between them, deaf to polite signals.
DAEMON = """
import os, signal, sys, time
def daemon():
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
    os._exit(0)
for _ in range(2):
    daemon()
"""
LINGER = DAEMON + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"

# An orchestrator in miniature, to be interrupted and killed.
ORCHESTRATOR = """
import sys
from orchestrator.backends.executor import LocalExecutor
from orchestrator.outside import Command
command = Command.model_validate_json(sys.argv[2])
executor = LocalExecutor(sys.argv[1])
if sys.argv[3] == "open":
    executor.open(command).stdout.read()
try:
    executor.run(command)
except KeyboardInterrupt:
    raise SystemExit(130)
"""


@pytest.fixture
def orchestrator():
    """Start an orchestrator that runs a command, in its own process group; end it afterwards."""
    started = []

    def start(level, command, how="run"):
        argv = [sys.executable, "-c", ORCHESTRATOR, level, command.model_dump_json(), how]
        started.append(subprocess.Popen(argv, cwd=ROOT, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_daemons_are_real(program, marked):
    """Without a tree, the two daemons of these tests do outlive what started them."""
    subprocess.run(program(DAEMON, marked.word).argv, check=True)
    try:
        marked.wait_for_programs(2)
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if marked.word in (process.info["cmdline"] or []):
                process.kill()


def test_daemons_end_with_a_program_that_ends_well(level, program, marked):
    result = LocalExecutor(level).run(program(DAEMON, marked.word))
    assert result.ok
    assert not marked.alive()


def test_daemons_end_at_a_timeout_and_are_reaped(level, program, marked):
    """Regression: only the direct child was killed at a timeout."""
    children = psutil.Process().children()
    result = LocalExecutor(level).run(program(LINGER, marked.word, timeout_s=0.6))
    assert result.stopped == "timeout"
    assert not marked.alive()
    assert psutil.Process().children() == children


def test_daemons_end_when_watch_raises(level, program, marked):
    def watch() -> str:
        marked.wait_for_programs(3)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        LocalExecutor(level).run(program(LINGER, marked.word), watch)
    assert not marked.alive()


def test_other_children_of_ours_are_left_alone(level, program):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        assert LocalExecutor(level).run(program(DAEMON, timeout_s=5)).ok
        assert other.poll() is None
        other.kill()
    with LocalExecutor(level).open(program("", timeout_s=5)):
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert other.poll() is None
    other.kill()
    other.wait()


def test_daemons_end_with_a_worker(level, program, marked):
    worker = LocalExecutor(level).open(program(LINGER, marked.word))
    marked.wait_for_programs(3)
    worker.close()
    assert not marked.alive()


def test_a_daemon_with_an_empty_environment_ends_with_its_run(level, program, marked):
    code = "import os, sys\nif os.fork() == 0: os.execve(sys.executable, [sys.executable, '-ISc', *sys.argv[1:]], {})"
    daemon = program(code, LINGER, marked.word)
    assert LocalExecutor(level).run(daemon).ok
    assert not marked.alive()


def test_a_burst_of_forks_is_ended(level, program, marked):
    code = "import os, time\nfor _ in range(7): os.fork()\ntime.sleep(60)"
    result = LocalExecutor(level).run(program(code, marked.word, processes=20, memory_mb=8192))
    assert result.stopped == "processes"
    assert not marked.alive()


def test_ctrl_c_leaves_nothing(level, program, marked, orchestrator):
    process = orchestrator(level, program(LINGER, marked.word))
    marked.wait_for_programs(3)
    process.send_signal(signal.SIGINT)
    # Impatient people press it again.
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert not marked.alive()


def test_ctrl_c_comes_through_as_itself(level, program, marked, orchestrator):
    process = orchestrator(level, program(LINGER, marked.word))
    marked.wait_for_programs(3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


@pytest.mark.parametrize("how", ["run", "open"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_orchestrator_leaves_nothing(bubblewrap, program, marked, orchestrator, how, number):
    process = orchestrator(bubblewrap, program(LINGER, marked.word), how)
    marked.wait_for_programs(3)
    process.send_signal(number)
    assert process.wait(10) == -number
    assert marked.gone_within(5)
