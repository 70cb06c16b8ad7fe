"""A failed process, in one line and as a report."""

import subprocess
import sys

from orchestrator.evidence.faults import MAX_TRACEBACK, fault, last_traceback
from orchestrator.records import ProcessResult


def crashed(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr


def result(**changes):
    return ProcessResult(
        **{"exit_code": 1, "wall_s": 3.0, "cpu_s": 1.0, "peak_rss_mb": 10.0, "sandbox": "none", **changes}
    )


def test_the_last_traceback_is_found_among_other_output():
    stderr = "warning: x\n" + crashed("def f():\n    raise KeyError('a')\nf()") + "lines after\nmore\n"
    text = last_traceback(stderr)
    assert text.startswith("Traceback")
    assert text.endswith("KeyError: 'a'")


def test_of_a_chained_error_the_last_one_counts():
    stderr = crashed("try:\n    1/0\nexcept Exception as e:\n    raise ValueError('second') from e")
    assert last_traceback(stderr).endswith("ValueError: second")


def test_a_flood_is_shortened_in_the_middle():
    stderr = crashed(f"raise ValueError('x' * {MAX_TRACEBACK * 3})")
    assert len(last_traceback(stderr)) < MAX_TRACEBACK + 10
    assert last_traceback(stderr).startswith("Traceback")


def test_the_fault_names_exception_and_line():
    finding = fault(result(), crashed("x = 1\nundefined_name"), "run_1/stderr.log")
    assert finding.code == "crashed"
    assert "NameError" in finding.message
    assert finding.message.endswith("<string>:2")


def test_limits_signals_and_silence():
    assert "timeout" in fault(result(exit_code=None, stopped="timeout"), "", "x").message
    assert fault(result(exit_code=None, stopped="non-finite loss"), "", "x").code == "non-finite"
    assert "signal 11" in fault(result(exit_code=None, signal=11), "", "x").message
    assert "nothing on stderr" in fault(result(exit_code=3), "", "x").message
