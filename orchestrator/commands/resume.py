"""Command `resume`: go on where an idea stopped."""

from __future__ import annotations

import click

from orchestrator.commands.options import budget_flags, carry, runs_flag, unsandboxed_flag


@click.command()
@click.argument("run")
@click.option(
    "--allow-package", multiple=True, metavar="NAME", help="Install this package, and execute all runs again."
)
@click.option("--deny-package", multiple=True, metavar="NAME", help="Tell the model that it has to do without.")
@click.option("--improve", is_flag=True, help="Revise the paper once, after its review, through all checks again.")
@budget_flags
@runs_flag
@unsandboxed_flag
def resume(run: str, **flags: object) -> None:
    """Go on with the idea folder RUN (a path, or a name under runs/) at the first stage its journal lacks."""
    from orchestrator.flags import BudgetFlags, Decided, Start, read_flags
    from orchestrator.wiring import reopen

    start = read_flags(Start, {**flags, "idea": run})
    carry(lambda: reopen(run, start, read_flags(BudgetFlags, flags), read_flags(Decided, flags)), start)
