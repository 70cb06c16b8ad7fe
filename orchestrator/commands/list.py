"""Command `list`: ideas, templates, and idea folders."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import runs_flag


@click.command("list")
@runs_flag
def list_all(runs: Path) -> None:
    """List ideas, templates, and idea folders with the stage that each has reached."""
    from orchestrator.overview import overview

    for line in overview(runs):
        click.echo(line)
