"""Command `record`: save the answers of a run as a session."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import runs_flag


@click.command()
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path))
@runs_flag
def record(run: str, file: Path, runs: Path) -> None:
    """Save the answers that RUN got as the session FILE, for --model replay:FILE or to renew a bundled one."""
    from orchestrator.models.recording import record as write_down
    from orchestrator.wiring import find_run
    from orchestrator.workspace import Workspace

    header = write_down(Workspace(find_run(run, runs)), file)
    click.echo(f"{file}: {header.kind} session of {header.idea}")
