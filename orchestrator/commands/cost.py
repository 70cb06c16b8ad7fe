"""Command `cost`: what the model calls of a run used."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import json_flag, runs_flag


@click.command()
@click.argument("run")
@json_flag
@runs_flag
def cost(run: str, runs: Path, *, as_json: bool) -> None:
    """Show what the model calls of RUN used: tokens, requests, money, by stage."""
    from orchestrator.journal import Journal
    from orchestrator.models.ledger import cost as counted
    from orchestrator.wiring import find_run

    total = counted(Journal(find_run(run, runs) / "journal.jsonl", writable=False))
    if as_json:
        click.echo(total.model_dump_json(indent=1))
        return
    for name, used in (*total.by_stage.items(), ("total", total)):
        price = "unknown" if used.cost_usd is None else f"{used.cost_usd:.4f} USD"
        tokens = f"{used.input_tokens:>9} in ({used.cached_tokens} cached) {used.output_tokens:>8} out"
        click.echo(f"{name:<9}{used.calls:>4} calls {tokens}  {price}")
