"""Command `mailbox`: a person's side of the mailbox provider."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.commands.options import runs_flag


@click.command()
@click.argument("run")
@runs_flag
def mailbox(run: str, runs: Path) -> None:
    """Show the prompt of RUN that waits for an answer, or hand an answer in on standard input."""
    from orchestrator.models.mailbox import hand_in, open_prompt
    from orchestrator.wiring import find_run

    folder = find_run(run, runs)
    answer = "" if sys.stdin.isatty() else sys.stdin.read()
    if answer.strip():
        click.echo(f"handed in: {hand_in(folder, answer)}")
        return
    prompt = open_prompt(folder)
    click.echo(prompt.text if prompt else f"{folder}: no prompt is open")
