"""Follows the `progress.jsonl` that a running process appends to, for the screen and to end a hopeless run early."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from orchestrator.leftovers import LeftoverRefused, read_leftover
from orchestrator.protocols import Screen

LIMIT_BYTES = 64 * 1024 * 1024


class ProgressTail:
    """Reads new lines of `folder/progress.jsonl`. The lines come from code in a model's reach: nothing is trusted."""

    def __init__(self, folder: Path, screen: Screen) -> None:
        self._folder = folder
        self._screen = screen
        self._seen = 0

    def poll(self) -> str:
        """Show the latest line; return a reason to end the process, or ''."""
        try:
            content = read_leftover(self._folder, "progress.jsonl", LIMIT_BYTES)
        except (LeftoverRefused, OSError):
            return ""
        whole = content[self._seen : content.rfind(b"\n") + 1]
        self._seen += len(whole)
        lines = [line for raw in whole.splitlines() if (line := _parse(raw))]
        if lines:
            self._show(lines[-1])
        return "non-finite loss" if any(_non_finite(line.get("loss")) for line in lines) else ""

    def _show(self, line: dict[str, Any]) -> None:
        done, total = line.get("done"), line.get("total")
        if isinstance(done, int) and isinstance(total, int) and total > 0:
            words = [str(line[key])[:40] for key in ("what", "condition") if key in line]
            words += [f"seed {str(line['seed'])[:12]}"] if "seed" in line else []
            self._screen.progress(" ".join(words), done, total)


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _non_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
