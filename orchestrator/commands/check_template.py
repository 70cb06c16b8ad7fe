"""Command `check-template`: whether a template keeps its part of the contract."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from orchestrator.commands.options import unsandboxed_flag


@click.command("check-template")
@click.argument("template", metavar="NAME|DIR")
@click.option("--profile", metavar="NAME", help="Scale at which it is tried; the template's default if left out.")
@unsandboxed_flag
def check_template(template: str, profile: str | None, *, allow_unsandboxed: bool) -> None:
    """Try a template without a model: data, baseline, grader, figures. Status 1 where it breaks the contract."""
    from orchestrator.template_check import NoModel, Unchanged
    from orchestrator.template_check import check_template as checked
    from orchestrator.wiring import trial

    failed = 0
    with (
        tempfile.TemporaryDirectory(prefix="check-template-") as scratch,
        trial(template, profile, Path(scratch), allow_unsandboxed=allow_unsandboxed) as study,
    ):
        for check in checked(study(NoModel(), Unchanged())):
            failed += len(check.problems)
            click.echo(f"{'problem' if check.problems else 'ok':<8}{check.what}")
            for line in (*check.problems, *(f"advice: {advice}" for advice in check.advice)):
                click.echo(f"{'':<8}  {line}")
    click.echo(f"{template}: {failed or 'no'} problem{'s' if failed != 1 else ''}")
    sys.exit(1 if failed else 0)
