"""What a failed process says about itself: the kind of fault, a line for people, a report for the code's author.

A kind is decided by who can mend it. The environment's faults (disk, driver, access) are the user's; the others are
the model's, which gets what it needs. Words alone would let any program stop an idea by printing them, so the
environment's kinds also need a fact from outside: a full disk, an accelerator in use, a path that the run was given,
a network within reach.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.records import Finding, Limits, ProcessResult, Run

Kind = Literal["code", "package", "memory", "time", "disk", "driver", "access", "killed"]
USERS: tuple[Kind, ...] = ("disk", "driver", "access")

MAX_TRACEBACK = 6000
FULL_MB = 64.0
NOT_FINITE = "non-finite loss"
SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGXFSZ = 9, 15, 2, 1, 25
CODES: dict[Kind, str] = {"code": "crashed", "killed": "killed"}
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)\n(?:    (?P<text>.*))?', re.M)
_START = "Traceback (most recent call last):"
_TYPE = re.compile(r"^([A-Za-z_][\w.]*)")
_PACKAGE = re.compile(r"ModuleNotFoundError: No module named '([\w]+)")
_LIBRARY = re.compile(r"ImportError: .*(cannot open shared object file|undefined symbol)")
_MEMORY = re.compile(r"MemoryError|OutOfMemoryError|out of memory|[Cc]annot allocate memory|can't allocate memory")
_DISK = re.compile(r"No space left on device|Disk quota exceeded")
_DRIVER = re.compile(
    r"no NVIDIA driver|CUDA driver|CUDA-capable device|Failed to initialize NVML|cuInit|uncorrectable ECC"
    r"|unspecified launch failure|fallen off the bus|hipErrorNoDevice|libcuda\.so"
)
_GATED = re.compile(r"GatedRepoError|gated repo|401 Client Error|403 Client Error")
_DENIED = re.compile(r"PermissionError: \[Errno \d+\] [^:]+: '([^']+)'")
_SCRATCH = re.compile(r"'/(tmp|dev/shm)/")


@dataclass(frozen=True)
class Surroundings:
    """What a fault is judged by besides its own words.

    `free_mb` is what is left on the disk of the run directory (None: unknown), `accelerator` whether the run was given
    one, `given` the folders that it must be able to read, `packages` the template's own, which can't be missing.
    """

    free_mb: float | None = None
    accelerator: bool = False
    given: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


NOWHERE = Surroundings()


def last_traceback(stderr: str) -> str:
    """Return the last Python traceback in `stderr`, whole unless over MAX_TRACEBACK characters, or ''."""
    start = stderr.rfind(_START)
    if start < 0:
        return ""
    lines = stderr[start:].splitlines()
    end = next(
        (n for n, line in enumerate(lines[1:], start=1) if line and not line.startswith((" ", "\t"))), len(lines)
    )
    text = "\n".join(lines[: end + 1])
    return text if len(text) <= MAX_TRACEBACK else text[: MAX_TRACEBACK // 2] + "\n...\n" + text[-MAX_TRACEBACK // 2 :]


def classify(result: ProcessResult, stderr: str, around: Surroundings = NOWHERE) -> Kind:
    """Return the kind of fault, from the limit that was reached, the signal, and the last words of the process."""
    if result.stopped in ("timeout", "memory"):
        return "time" if result.stopped == "timeout" else "memory"
    if result.stopped:
        return "code"
    last = _last_words(stderr)
    if result.signal in (SIGKILL, SIGTERM, SIGINT, SIGHUP):
        return "memory" if _MEMORY.search(last) else "killed"
    if _is_environment(last, result, around):
        return _environment(last)
    if _MEMORY.search(last):
        return "memory"
    missing = _PACKAGE.search(last)
    if (missing and missing[1] not in around.packages) or _LIBRARY.search(last):
        return "package"
    return "code"


def _is_environment(last: str, result: ProcessResult, around: Surroundings) -> bool:
    if _DISK.search(last):
        full = around.free_mb is not None and around.free_mb < FULL_MB
        return not _SCRATCH.search(last) and (full or "quota" in last)
    denied = _DENIED.search(last)
    inside = denied is not None and any(Path(denied[1]).is_relative_to(folder) for folder in around.given)
    gated = result.sandbox == "none" and bool(_GATED.search(last))
    return inside or gated or (around.accelerator and bool(_DRIVER.search(last)))


def _environment(last: str) -> Kind:
    if _DISK.search(last):
        return "disk"
    return "driver" if _DRIVER.search(last) else "access"


def _last_words(stderr: str) -> str:
    """The exception itself where there is a traceback, else the last line."""
    text = last_traceback(stderr) or stderr.strip()
    return (text.splitlines() or [""])[-1]


def fault(result: ProcessResult, stderr: str, where: str, around: Surroundings = NOWHERE) -> Finding:
    """Return the finding for a process that did not end well. `where` is the log's path in the idea folder."""
    kind = classify(result, stderr, around)
    code = CODES.get(kind, f"{kind}-fault")
    if result.stopped == NOT_FINITE:
        code, message = "non-finite", "the training loss became NaN or infinite"
    elif result.stopped:
        code = "stopped" if kind == "code" else code
        message = f"the process was ended after {result.wall_s:.0f} s: {result.stopped} limit reached"
    else:
        message = _ending(result, stderr)
    return Finding(code=code, severity="error", message=message, where=where)


def _ending(result: ProcessResult, stderr: str) -> str:
    frames = _FRAME.findall(last_traceback(stderr))
    place = f" at {Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
    ended = f"signal {result.signal}" if result.signal else f"exit code {result.exit_code}"
    if result.signal == SIGXFSZ or "File too large" in _last_words(stderr):
        ended += " (a file reached the size limit)"
    return f"{ended}: {(_last_words(stderr) or 'nothing on stderr')[:500]}{place}"


def remedy(kind: Kind, folder: str) -> str:
    """Return what the user can do about a fault of the environment; `folder` is the idea's."""
    return {
        "disk": f"the disk that holds {folder} is full: free some space",
        "driver": "the accelerator or its driver does not work: mend it",
        "access": "a file or model that the run needs can't be read: grant access to it",
    }.get(kind, "the process was ended from outside")


def signature(finding: Finding, stderr: str) -> tuple[str, str, str]:
    """Return what makes two failures the same: code, exception type, and place.

    The place is the function and the text of the last line in experiment.py, since an edit moves line numbers. For a
    finding on results it is their key, else its message without numbers.
    """
    traceback = last_traceback(stderr) if finding.where.endswith("/stderr.log") else ""
    if not traceback:
        key = finding.where.partition("#")[2]
        return finding.code, "", key or re.sub(r"\d+", "", finding.message)
    frames = list(_FRAME.finditer(traceback))
    own = [frame for frame in frames if Path(frame["file"]).name == "experiment.py"] or frames
    kind = _TYPE.match(_last_words(stderr))
    return finding.code, kind[1] if kind else "", f"{own[-1]['function']}: {own[-1]['text']}" if own else ""


def report(run: Run, stderr: str, limits: Limits, installed: tuple[str, ...]) -> str:
    """Return what the author of a failed run gets: the findings, what belongs to their kind, and the traceback."""
    lines = [f"{finding.code}: {finding.message}" for finding in run.findings]
    codes = {finding.code for finding in run.findings}
    if codes & {"time-fault", "memory-fault", "killed", "stopped"} or "size limit" in "".join(lines):
        lines.append(
            f"Limits of a run: {limits.timeout_s:g} s, {limits.memory_mb} MB of memory, {limits.processes} processes, "
            f"{limits.file_mb} MB for each file."
        )
    if run.process and codes & {"time-fault", "memory-fault", "killed"}:
        used = run.process
        lines.append(f"It used {used.wall_s:.0f} s and at most {used.peak_rss_mb:.0f} MB of memory.")
    if "package-fault" in codes:
        lines.append(
            f"Nothing can be installed. Installed are: {', '.join(installed) or 'what experiment.py imports already'}. "
            "Do without the missing package."
        )
    traceback = last_traceback(stderr)
    return "\n".join([*lines, traceback] if traceback else lines)
