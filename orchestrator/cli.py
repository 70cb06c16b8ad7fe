"""The command line: what starts an idea, the commands, and the one place where errors become exit statuses."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import click

from orchestrator import commands
from orchestrator.commands.options import budget_flags, carry, model_flags, runs_flag, scholar_flag, unsandboxed_flag
from orchestrator.errors import GroundworkError

FORMATS = ("diff", "udiff", "whole", "architect")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--idea", metavar="NAME|FILE", help="Carry this idea from plan to paper.")
@click.option("--template", metavar="NAME|DIR", help="Another setting than the one that the idea names.")
@click.option("--profile", metavar="NAME|FILE.toml", help="Scale of the setting; the template's default if left out.")
@click.option("--fresh-baseline", is_flag=True, help="Execute run_0 even where an earlier idea has made it.")
@click.option("--improve", is_flag=True, help="Revise the paper once, after its review, through all checks again.")
@click.option("--edit-format", type=click.Choice(FORMATS), default="diff", help="The form of the coder's edits.")
@click.option("--literature", metavar="DIR", help="PDFs to be read first; else IDEA.literature/ beside the idea.")
@scholar_flag
@model_flags
@budget_flags
@runs_flag
@unsandboxed_flag
@click.pass_context
def groundwork(context: click.Context, /, **flags: object) -> None:
    """Groundwork: the model proposes, the evidence decides.

    \b
    python launch.py --idea adaptive_temporal_sae    plan, run, grade, write and compile one idea
    python launch.py resume RUN                      go on where an idea stopped
    python launch.py verify RUN                      derive a finished idea's evidence again from its files
    python launch.py list                            ideas, templates and runs

    Without --model the idea's bundled session is replayed: answers written in advance, experiments run now. A live
    model is used only when it is named.
    """
    if context.invoked_subcommand is not None:
        if flags["idea"]:
            raise click.UsageError("--idea starts an idea by itself; leave it out before a command")
        return
    if flags["idea"] is None:
        click.echo(context.get_help())
        return
    from orchestrator.flags import BudgetFlags, Start, read_flags, read_models
    from orchestrator.wiring import begin

    models = read_models(
        {k: v for k, v in flags.items() if v is None or isinstance(v, str)}, read_flags(BudgetFlags, flags)
    )
    start = read_flags(Start, flags)
    carry(lambda: begin(start, models), start)


def found_commands() -> Iterator[click.Command]:
    """Yield the one command of each module in `commands`."""
    for module in pkgutil.iter_modules(commands.__path__):
        held = vars(importlib.import_module(f"orchestrator.commands.{module.name}")).values()
        yield from (value for value in held if isinstance(value, click.Command))


def main() -> NoReturn:
    """Parse the command line and exit: 0 done, 1 cannot go on, 2 bad input, 130 interrupted."""
    # A shell that starts us in the background has interrupts ignored; a user's Ctrl-C or kill -INT shall still work.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    for command in found_commands():
        groundwork.add_command(command)
    try:
        groundwork.main(standalone_mode=False)
        sys.exit(0)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except GroundworkError as error:
        _fail(" ".join([str(error), *(f"({note})" for note in getattr(error, "__notes__", []))]), error.exit_status)
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns the first into the second
        _fail(str(error) or str(error.__cause__ or "") or "interrupted", 130)
    except Exception:  # noqa: BLE001  the only broad one: a defect of ours is shown whole, with what to do
        traceback.print_exc()
        _fail("this is a defect of Groundwork; the lines above say where. `launch.py resume` continues", 1)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"error: {message}" if status != 130 else message, err=True)
    sys.exit(status)
