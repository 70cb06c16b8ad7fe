"""Limits, exits, logs and workers: real programs at both levels."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.backends.executor import LocalExecutor
from orchestrator.errors import GroundworkError


@pytest.fixture
def executor(level) -> LocalExecutor:
    return LocalExecutor(level)


def test_a_program_that_ends_well_is_measured(executor, level, program):
    code = "import time; x = bytearray(100 << 20); t = time.process_time()\nwhile time.process_time() < t + 0.4: pass"
    result = executor.run(program(code))
    assert (result.ok, result.exit_code, result.signal, result.stopped) == (True, 0, None, "")
    assert result.sandbox == level
    assert result.wall_s >= 0.4
    assert 0.4 <= result.cpu_s <= 2
    assert 100 <= result.peak_rss_mb <= 250


def test_cpu_time_of_short_children_is_counted(executor, program):
    burn = "import time\nwhile time.process_time() < 0.15: pass"
    code = "import subprocess, sys\nfor _ in range(4): subprocess.run([sys.executable, '-ISc', sys.argv[1]])"
    assert 0.6 <= executor.run(program(code, burn)).cpu_s <= 3


@pytest.mark.parametrize("exit_code", [1, 3, 255])
def test_exit_codes(executor, program, exit_code):
    result = executor.run(program(f"raise SystemExit({exit_code})"))
    assert (result.ok, result.exit_code, result.signal, result.stopped) == (False, exit_code, None, "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_signal_is_reported_as_one(executor, program, number):
    result = executor.run(program(f"import os; os.kill(os.getpid(), {int(number)})"))
    assert (result.exit_code, result.signal, result.stopped) == (None, number, "")


def test_stdout_and_stderr_are_whole(executor, program):
    """Regression: stderr was cut to its last 1,500 characters and stdout was lost."""
    command = program(
        "import sys; sys.stdout.write('o' * (1 << 20)); sys.stderr.write('first' + 'e' * (1 << 20) + 'last')"
    )
    assert executor.run(command).ok
    assert command.stdout.read_text() == "o" * (1 << 20)
    assert command.stderr.read_text() == "first" + "e" * (1 << 20) + "last"


def test_stdin_is_empty(executor, program):
    command = program("import sys; print(repr(sys.stdin.read()))")
    executor.run(command)
    assert command.stdout.read_text() == "''\n"


def test_a_log_replaces_what_was_left_in_its_place(executor, program, tmp_path):
    """A link left by an earlier program must not lead our own writing to another file, nor a FIFO hold it up."""
    command = program("print('new')")
    (tmp_path / "journal").write_text("kept")
    command.stdout.symlink_to(tmp_path / "journal")
    os.mkfifo(command.stderr)
    assert executor.run(command).ok
    assert (tmp_path / "journal").read_text() == "kept"
    assert command.stdout.read_text() == "new\n"
    command.stdout.unlink()
    (command.stdout / "inner").mkdir(parents=True)
    assert executor.run(command).ok
    assert command.stdout.read_text() == "new\n"


def test_logs_may_go_nowhere(executor, program):
    nowhere = Path(os.devnull)
    assert executor.run(program("print(1)").model_copy(update={"stdout": nowhere, "stderr": nowhere})).ok
    assert nowhere.is_char_device()


def test_timeout(executor, program):
    result = executor.run(program("import time; time.sleep(60)", timeout_s=0.5))
    assert (result.ok, result.exit_code, result.stopped) == (False, None, "timeout")
    assert 0.5 <= result.wall_s < 5


def test_memory_is_summed_over_the_tree(executor, program):
    code = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        break
block = bytearray(b"x" * (60 << 20))
time.sleep(30)
"""
    result = executor.run(program(code, memory_mb=150))
    assert result.stopped == "memory"
    assert result.peak_rss_mb > 150
    assert result.wall_s < 10


def test_too_many_processes(executor, program):
    code = "import os, time\nfor _ in range(30):\n    if os.fork() == 0: break\ntime.sleep(30)"
    assert executor.run(program(code, processes=12)).stopped == "processes"
    assert executor.run(program(code.replace("sleep(30)", "sleep(0.5)"), processes=31)).ok


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output_is_stopped(executor, program, stream):
    command = program(
        f"import sys\nwhile True:\n    try: sys.{stream}.write('x' * 65536)\n    except OSError: pass", file_mb=1
    )
    result = executor.run(command)
    assert result.stopped == "output"
    assert getattr(command, stream).stat().st_size == 1 << 20


def test_a_flood_that_ends_its_program_is_called_a_flood(executor, program):
    result = executor.run(program("print('x' * (2 << 20))", file_mb=1))
    assert (result.ok, result.stopped) == (False, "output")


def test_watch_is_asked_twice_a_second_and_obeyed(executor, program):
    asked: list[float] = []

    def watch() -> str:
        asked.append(time.monotonic())
        return "loss-not-finite" if len(asked) == 3 else ""

    result = executor.run(program("import time; time.sleep(30)"), watch)
    assert result.stopped == "loss-not-finite"
    assert 1 < result.wall_s < 4
    assert 0.4 < asked[1] - asked[0] < 1.5


def test_what_is_not_the_programs_fault_is_an_error(executor, program, tmp_path):
    command = program("")
    with pytest.raises(GroundworkError, match="no such program"):
        executor.run(command.model_copy(update={"argv": ("/nowhere/python",)}))
    with pytest.raises(GroundworkError, match="log cannot be written"):
        executor.run(command.model_copy(update={"stdout": tmp_path / "missing" / "log"}))


def test_a_sandbox_that_cannot_be_built_is_an_error_and_no_failed_run(bubblewrap, program, tmp_path):
    command = program("").model_copy(update={"readable": (tmp_path / "missing",)})
    with pytest.raises(GroundworkError, match="could not start.*source path"):
        LocalExecutor(bubblewrap).run(command)


ECHO = """
import sys
for line in sys.stdin:
    print("log", file=sys.stderr, flush=True)
    print("heard", line.strip(), flush=True)
"""


def test_a_worker_talks_until_it_is_closed(executor, program, marked):
    command = program(ECHO, marked.word)
    with executor.open(command) as worker:
        for word in ("one", "zwölf"):
            worker.stdin.write(word + "\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == f"heard {word}\n"
        assert marked.alive()
        assert executor.run(program("").model_copy(update={"stderr": Path(os.devnull)})).ok
        worker.stdin.write("after a run\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "heard after a run\n"
    assert not marked.alive()
    worker.close()
    assert command.stderr.read_text() == "log\n" * 3


def test_closing_a_hung_worker_frees_who_waits_for_it(executor, program, marked):
    worker = executor.open(program("import time; time.sleep(60)", marked.word))
    timer = threading.Timer(0.3, worker.close)
    timer.start()
    started = time.monotonic()
    assert worker.stdout.readline() == ""
    timer.join()
    assert time.monotonic() - started < 5
    assert not marked.alive()


def test_a_worker_over_its_memory_is_ended(executor, program, marked):
    code = "import time; x = bytearray(b'x' * (200 << 20)); time.sleep(60)"
    with executor.open(program(code, marked.word, memory_mb=100)) as worker:
        assert worker.stdout.readline() == ""
        assert worker.stopped == "memory"


def test_a_worker_that_is_not_installed_is_an_error(executor, program):
    with pytest.raises(GroundworkError, match="no such program"):
        executor.open(program("").model_copy(update={"argv": ("no-such-program",)}))


def test_no_descriptor_stays_open(executor, program):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        executor.run(program(""))
        executor.open(program("")).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_program_gets_no_descriptor_but_its_own(executor, program):
    command = program("import os; print(sorted(int(name) for name in os.listdir('/proc/self/fd')))")
    executor.run(command)
    # 3 is the folder that is being listed.
    assert command.stdout.read_text() == "[0, 1, 2, 3]\n"
    assert sys.executable == command.argv[0]


SHOUT = """
import os, socket, sys
with socket.socket(fileno=0) as line:
    while said := line.recv(99):
        line.sendall(said.upper())
"""
ASK = """
import os, socket
for number in map(int, os.environ["GROUNDWORK_BESIDE"].split(",")):
    with socket.socket(fileno=number) as line:
        line.sendall(b"hello")
        print(line.recv(99).decode())
"""


def beside(program, *others):
    """Let the others run beside the program, each with a log of its own."""
    logs = [program.stderr.with_name(f"beside-{place}.log") for place in range(len(others))]
    return program.model_copy(
        update={"beside": tuple(one.model_copy(update={"stderr": log}) for one, log in zip(others, logs, strict=True))}
    )


def test_programs_beside_it_are_joined_by_sockets_and_end_with_it(executor, program, marked):
    command = beside(program(ASK), program(SHOUT, marked.word), program(SHOUT, marked.word))
    assert executor.run(command).ok
    assert command.stdout.read_text() == "HELLO\nHELLO\n"
    assert marked.alive() == []


def test_a_program_beside_it_that_dies_hangs_up(executor, program):
    listen = ASK.replace('line.sendall(b"hello")', "")
    command = beside(program(listen), program("raise SystemExit(1)"))
    assert executor.run(command).ok
    assert command.stdout.read_text() == "\n"


def test_the_limits_hold_for_what_runs_beside_it(executor, program):
    hungry = program("x = bytearray(400 << 20); import time; time.sleep(60)", memory_mb=100)
    result = executor.run(beside(program("import time; time.sleep(60)"), hungry))
    assert result.stopped == "memory"
