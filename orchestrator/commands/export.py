"""Command `export`: the paper as plain LaTeX, for a venue."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import runs_flag


@click.command()
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write (RUN/export).")
@click.option("--anonymous", is_flag=True, help="Without author, models, names of files of ours, and paths.")
@click.option("--style", type=click.Path(path_type=Path), help="A venue's .sty or .cls file to use.")
@runs_flag
def export(run: str, out: Path | None, style: Path | None, runs: Path, *, anonymous: bool) -> None:
    """Write the paper of RUN as plain LaTeX: references expanded, no links of ours, figures and bibliography beside."""
    from orchestrator.exporting import export_paper
    from orchestrator.finished import open_finished

    with open_finished(run, runs, allow_unsandboxed=True) as finished:
        folder = export_paper(finished, out, style, anonymous=anonymous)
    click.echo(f"{folder}: main.tex, sections/, figures/, references.bib; `latexmk -pdf main.tex` compiles it")
