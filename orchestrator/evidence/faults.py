"""What a failed process says about itself: the fault in one line, and the report that its author gets."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.records import Finding, ProcessResult

MAX_TRACEBACK = 6000
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_START = "Traceback (most recent call last):"


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


def fault(result: ProcessResult, stderr: str, where: str) -> Finding:
    """Return the finding for a process that did not end well. `where` is the log's path in the idea folder."""
    traceback = last_traceback(stderr)
    if result.stopped == "non-finite loss":
        return Finding(
            code="non-finite", severity="error", message="the training loss became NaN or infinite", where=where
        )
    if result.stopped:
        return Finding(
            code="stopped",
            severity="error",
            message=f"the process was ended after {result.wall_s:.0f} s: {result.stopped} limit reached",
            where=where,
        )
    frames = _FRAME.findall(traceback)
    place = f" at {Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
    what = traceback.splitlines()[-1] if traceback else (stderr.strip().splitlines() or ["nothing on stderr"])[-1]
    ended = f"signal {result.signal}" if result.signal else f"exit code {result.exit_code}"
    return Finding(code="crashed", severity="error", message=f"{ended}: {what[:500]}{place}", where=where)
