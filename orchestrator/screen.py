"""What a person sees at the terminal: stage, run, progress and elapsed time. Plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

QUIET_S = 15.0


class Terminal:
    """Implements `protocols.Screen` with a progress bar on a terminal and occasional lines elsewhere."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last_line = 0.0
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None, visible=False)
            self._bar.start()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()

    def stage(self, stage: str, detail: str = "") -> None:
        """A stage begins: one line with the time since the start."""
        if self._bar is not None:
            self._bar.reset(self._task, visible=False)
        self.note(f"[{self._elapsed()}] {stage:<8} {detail}".rstrip())

    def note(self, text: str) -> None:
        """One line that stays."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)

    def progress(self, what: str, done: int, total: int) -> None:
        """Move the bar; without a terminal print a line every QUIET_S seconds."""
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=done, total=total, visible=True)
        elif time.monotonic() - self._last_line > QUIET_S:
            self._last_line = time.monotonic()
            self.note(f"[{self._elapsed()}]   {what} {done}/{total}")

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:02d}:{seconds % 60:02d}"
