"""A failed process, in one line and as a report."""

import subprocess
import sys

import pytest

from orchestrator.evidence.faults import (
    MAX_TRACEBACK,
    NOWHERE,
    USERS,
    Surroundings,
    classify,
    fault,
    last_traceback,
    remedy,
    report,
    signature,
)
from orchestrator.records import Finding, Limits, ProcessResult, Run, Step

LIMITS = Limits(timeout_s=20, memory_mb=1024, file_mb=64, processes=32)


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


def kind(code="", stderr=None, around=NOWHERE, **changes):
    return classify(result(**changes), crashed(code) if stderr is None else stderr, around)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1/0", "code"),
        ("import no_such_package.inner", "package"),
        ("from json import no_such_name", "code"),
        ("import ctypes\nraise ImportError('libx.so.1: cannot open shared object file: No such file')", "package"),
        ("raise MemoryError", "memory"),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')", "memory"),
        ("open('/proc/self/mem/x')", "code"),
        ("raise OSError(30, 'Read-only file system', 'run_0/x')", "code"),
    ],
)
def test_the_kind_by_the_last_exception(code, expected):
    assert kind(code) == expected


def test_the_kind_by_limit_and_signal():
    assert kind(exit_code=None, stopped="timeout") == "time"
    assert kind(exit_code=None, stopped="memory") == "memory"
    assert kind(exit_code=None, stopped="processes") == "code"
    assert kind(exit_code=None, signal=9) == "killed"
    assert kind(exit_code=None, signal=15) == "killed"
    assert kind(exit_code=None, signal=11) == "code"


def test_a_module_of_the_templates_own_is_no_missing_package():
    own = Surroundings(packages=("no_such_package",))
    assert kind("import no_such_package.inner", around=own) == "code"


def test_a_full_disk_is_believed_only_where_the_disk_is_full():
    code = "raise OSError(28, 'No space left on device', {!r})"
    full, roomy = Surroundings(free_mb=1.0), Surroundings(free_mb=1e5)
    assert kind(code.format("run_1/x"), around=full) == "disk"
    assert kind(code.format("run_1/x"), around=roomy) == "code"
    assert kind(code.format("/tmp/x"), around=full) == "code"
    assert kind("raise OSError(122, 'Disk quota exceeded', 'run_1/x')", around=roomy) == "disk"


def test_a_driver_is_blamed_only_where_a_run_was_given_an_accelerator():
    code = "raise RuntimeError('Found no NVIDIA driver on your system')"
    assert kind(code) == "code"
    assert kind(code, around=Surroundings(accelerator=True)) == "driver"


def test_access_is_the_users_only_for_what_the_run_was_given():
    code = "raise PermissionError(13, 'Permission denied', {!r})"
    around = Surroundings(given=("/data/train",))
    assert kind(code.format("/data/train/part.npz"), around=around) == "access"
    assert kind(code.format("/data/training"), around=around) == "code"
    gated = "raise OSError('Cannot access gated repo for url')"
    assert kind(gated) == "access"
    assert kind(gated, sandbox="bubblewrap") == "code"


def test_the_kinds_of_the_user_have_a_remedy():
    assert {remedy(one, "/runs/x") for one in USERS}.isdisjoint({remedy("killed", "/runs/x")})
    assert "/runs/x" in remedy("disk", "/runs/x")


def signed(code, where="run_1/stderr.log"):
    stderr = crashed(code).replace("<string>", "experiment.py")
    return signature(fault(result(), stderr, where), stderr)


def test_the_same_failure_is_known_again_though_its_line_moved():
    assert signed("def f():\n    raise KeyError('a')\nf()") == signed("x = 1\n\ndef f():\n    raise KeyError('b')\nf()")
    assert signed("def f():\n    raise KeyError('a')\nf()") != signed("def g():\n    raise KeyError('a')\ng()")
    assert signed("def f():\n    raise KeyError('a')\nf()") != signed("def f():\n    raise ValueError('a')\nf()")


def test_findings_on_results_are_the_same_by_code_and_key():
    def gate(message, key):
        return signature(Finding(code="x", severity="error", message=message, where=f"attempts/{key}"), "")

    assert gate("0.2 is wrong", "run_1.1/f#arm/mse") == gate("0.3 is wrong", "run_1.2/f#arm/mse")
    assert gate("0.2 is wrong", "run_1.1/f#arm/mse") != gate("0.2 is wrong", "run_1.1/f#arm/l0")
    assert gate("no statement", "run_1.1/f") != gate("no folder", "run_1.1/f")


def test_a_report_holds_what_its_kind_needs():
    def told(code, **changes):
        process = result(**changes)
        finding = Finding(code=code, severity="error", message="why", where="run_1/stderr.log")
        run = Run(step=Step(number=1, attempt=1), path="run_1", process=process, findings=(finding,))
        return report(run, crashed("1/0"), LIMITS, ("numpy 1.26.4",))

    assert told("crashed").endswith("ZeroDivisionError: division by zero")
    assert "numpy" not in told("crashed")
    assert "numpy 1.26.4" in told("package-fault")
    assert "1024 MB of memory" in told("memory-fault")
    assert "at most 900 MB" in told("memory-fault", peak_rss_mb=900.0)
    assert "20 s" in told("time-fault")
