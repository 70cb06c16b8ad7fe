"""Command `adopt`: take a person's edits of sections into the paper."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.commands.options import runs_flag, unsandboxed_flag


@click.command()
@click.argument("run")
@runs_flag
@unsandboxed_flag
def adopt(run: str, runs: Path, *, allow_unsandboxed: bool) -> None:
    """Take the edited sections in RUN/sections into the paper, checked like a model's; status 1 where one fails."""
    from orchestrator.adopting import adopt_sections
    from orchestrator.finished import open_finished
    from orchestrator.stages.compile import compile_sections

    with open_finished(run, runs, allow_unsandboxed=allow_unsandboxed) as finished:
        adoption = adopt_sections(finished)
        for problem in adoption.problems:
            click.echo(problem)
        if adoption.problems:
            click.echo("nothing was taken: mend these and call adopt again", err=True)
            sys.exit(1)
        if not adoption.adopted:
            click.echo(f"no file in {finished.press.workspace.path('sections')} was edited")
            return
        compiled = compile_sections(finished.cited, finished.evidence, finished.press)
    click.echo(f"adopted: {', '.join(adoption.adopted)}  paper: {compiled.pdf or compiled.missing}")
