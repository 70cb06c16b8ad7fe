"""Command `verify`: derive the evidence of a run from its files again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.commands.options import json_flag, runs_flag


@click.command()
@click.argument("run")
@json_flag
@runs_flag
def verify(run: str, runs: Path, *, as_json: bool) -> None:
    """Derive evidence and paper of RUN from its files again and say what differs; status 1 where something is wrong."""
    from orchestrator.verify import keep
    from orchestrator.verify import verify as audited
    from orchestrator.wiring import find_run

    folder = find_run(run, runs)
    audit = audited(folder)
    unkept = keep(audit, folder)
    for finding in () if as_json else audit.findings:
        line = f"{finding.severity} {finding.code}: {finding.message} ({finding.where})"
        line += f" in: {' '.join(finding.quote.split())}" if finding.quote else ""
        click.echo("".join(character if character.isprintable() else "?" for character in line))
    numbers = f"{audit.paper.numbers_supported} of the paper's {audit.paper.numbers_checked} numbers supported"
    summary = f"{folder}: {len(audit.runs)} runs, {audit.errors} errors, {numbers}"
    click.echo(audit.model_dump_json(indent=1) if as_json else summary)
    if unkept:
        click.echo(f"warning: {unkept}", err=True)
    sys.exit(1 if audit.errors else 0)
