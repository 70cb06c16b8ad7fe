"""Command `resume`: go on where an idea stopped."""

from __future__ import annotations

import click

from orchestrator.commands.options import budget_flags, carry, runs_flag, unsandboxed_flag


@click.command()
@click.argument("run")
@budget_flags
@runs_flag
@unsandboxed_flag
def resume(run: str, **flags: object) -> None:
    """Go on with the idea folder RUN (a path, or a name under runs/) at the first stage its journal lacks."""
    from orchestrator.flags import BudgetFlags, Start, read_flags
    from orchestrator.wiring import reopen

    start = read_flags(Start, {**flags, "idea": run})
    carry(lambda: reopen(run, start, read_flags(BudgetFlags, flags)))
