"""Flags and arguments that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestrator.flags import Start
    from orchestrator.study import Study

Command = Callable[..., None]

REPOSITORY = Path(__file__).resolve().parents[2]
RUNS = REPOSITORY / "runs"
ROLES = ("planning", "coding", "writing", "reviewing")


def model_flags(command: Command) -> Command:
    """Add the flags that say who answers, and what that may cost."""
    flags = (
        click.option("--model", metavar="MODEL", help="anthropic/NAME, openai/NAME, mailbox or replay[:FILE]."),
        *(click.option(f"--{role}-model", metavar="MODEL", help=f"Another model for {role}.") for role in ROLES),
        click.option("--base-url", metavar="URL", help="Endpoint of the live models."),
        click.option("--price", metavar="IN,OUT", help="USD per million tokens, where the table lacks it."),
    )
    return _all(flags, command)


def budget_flags(command: Command) -> Command:
    """Add the flags that limit what live models may use."""
    flags = (
        click.option("--budget-usd", metavar="USD|none", help="At most this much (5 for live models)."),
        click.option("--budget-tokens", type=int, help="At most so many tokens, in and out."),
        click.option("--budget-calls", type=int, help="At most so many requests."),
        click.option("--budget-hours", type=float, help="At most so long."),
        click.option("--key-file", type=click.Path(path_type=Path), help="NAME=KEY lines; else the environment."),
    )
    return _all(flags, command)


def runs_flag(command: Command) -> Command:
    """Add the flag that says where idea folders lie."""
    where = click.Path(path_type=Path)
    return click.option("--runs", type=where, default=RUNS, help="Where idea folders lie (runs/).")(command)


def unsandboxed_flag(command: Command) -> Command:
    """Add the flag by which a user accepts the risk of running without bubblewrap."""
    text = "Run model-written code without bubblewrap, with your rights."
    return click.option("--allow-unsandboxed", is_flag=True, help=text)(command)


def json_flag(command: Command) -> Command:
    """Add the flag that asks for JSON on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON.")(command)


def scholar_flag(command: Command) -> Command:
    """Add the flag that names the services of citations that may be asked, in their order."""
    text = "Ask these services: openalex, semanticscholar, crossref, arxiv (none if left out)."
    return click.option("--scholar", metavar="NAME,...", help=text)(command)


def carry(open_study: Callable[[], AbstractContextManager[Study]], start: Start) -> None:
    """Run the loop on what `open_study` opens.

    Where a model asks for a package, whoever sits at a terminal is asked, and the idea goes on by the answer.
    """
    from orchestrator.errors import PackageNeeded
    from orchestrator.flags import BudgetFlags, Decided
    from orchestrator.wiring import reopen

    try:
        _finish(open_study)
    except PackageNeeded as needed:
        if not sys.stdin.isatty():
            raise
        run, names = needed.run, ", ".join(needed.packages)
        question = f"The model asks for {names}. Install it, and execute all runs again with it?"
        word = "allow_package" if click.confirm(question, err=True) else "deny_package"
        decided = Decided.model_validate({word: needed.packages})
        carry(lambda: reopen(run, start, BudgetFlags(), decided), start)


def _finish(open_study: Callable[[], AbstractContextManager[Study]]) -> None:
    """Run the loop to its end; say where the results lie, and what an audit of them says."""
    from orchestrator.pipeline import run_idea
    from orchestrator.verify import keep, verify

    with open_study() as study:
        outcome = run_idea(study)
    paper = outcome.pdf or f"no PDF: LaTeX is not installed ({outcome.missing})"
    click.echo(f"done: {outcome.folder}  paper: {paper}")
    audit = verify(Path(outcome.folder))
    keep(audit, Path(outcome.folder))
    struck = sum(finding.code == "struck-out" for finding in audit.paper.findings)
    numbers = f"{audit.paper.numbers_supported} of the paper's {audit.paper.numbers_checked} numbers supported"
    click.echo(f"audit: {audit.errors} errors, {numbers}, {struck} sentences struck out")


def _all(flags: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for flag in reversed(flags):
        command = flag(command)
    return command
