"""Command `compile`: make the PDF of a run again, from its folder alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.commands.options import runs_flag, unsandboxed_flag


@click.command("compile")
@click.argument("run")
@runs_flag
@unsandboxed_flag
def compile_run(run: str, runs: Path, *, allow_unsandboxed: bool) -> None:
    """Make the PDF of RUN again from its folder alone: no model is asked, nothing is run."""
    from orchestrator.finished import open_finished
    from orchestrator.stages.compile import compile_sections

    with open_finished(run, runs, allow_unsandboxed=allow_unsandboxed) as finished:
        compiled = compile_sections(finished.cited, finished.evidence, finished.press)
    if compiled.missing:
        click.echo(f"no PDF: LaTeX is not installed ({compiled.missing})")
        sys.exit(1)
    click.echo(f"paper: {compiled.pdf}")
