"""The command line: flags, wiring of models and backends, and the one place where errors become exit statuses."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from orchestrator.errors import GroundworkError

if TYPE_CHECKING:
    from orchestrator.study import Study

# Only what --help needs is imported above: everything else is imported by the command that uses it.

REPOSITORY = Path(__file__).resolve().parent.parent
RUNS = REPOSITORY / "runs"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--idea", metavar="NAME|FILE", help="Carry this idea from plan to paper.")
@click.option("--profile", metavar="NAME", help="Scale of the setting; the template's default if left out.")
@click.option("--model", metavar="MODEL", help="replay[:FILE]. Without it the idea's bundled session is replayed.")
@click.option("--runs", type=click.Path(path_type=Path), default=RUNS, help="Where idea folders go (runs/).")
@click.option("--allow-unsandboxed", is_flag=True, help="Run model-written code without bubblewrap.")
@click.pass_context
def groundwork(context: click.Context, /, **flags: object) -> None:
    """Groundwork: the model proposes, the evidence decides.

    \b
    python launch.py --idea adaptive_temporal_sae    plan, run, grade, write and compile one idea
    python launch.py resume RUN                      go on where an idea stopped
    python launch.py list                            ideas, templates and runs
    """
    if context.invoked_subcommand is not None:
        if flags["idea"]:
            raise click.UsageError("--idea starts an idea by itself; leave it out before a command")
        return
    if flags["idea"] is None:
        click.echo(context.get_help())
        return
    from orchestrator.wiring import Start, begin

    _carry(lambda: begin(Start.model_validate(flags)))


@groundwork.command()
@click.argument("run")
@click.option("--runs", type=click.Path(path_type=Path), default=RUNS, help="Where idea folders lie (runs/).")
@click.option("--allow-unsandboxed", is_flag=True, help="Run model-written code without bubblewrap.")
def resume(run: str, runs: Path, *, allow_unsandboxed: bool) -> None:
    """Go on with the idea folder RUN (a path, or a name under runs/) at the first stage its journal lacks."""
    from orchestrator.wiring import reopen

    _carry(lambda: reopen(run, runs, allow_unsandboxed=allow_unsandboxed))


@groundwork.command("list")
@click.option("--runs", type=click.Path(path_type=Path), default=RUNS, help="Where idea folders lie (runs/).")
def list_all(runs: Path) -> None:
    """List ideas, templates, and idea folders with the stage that each has reached."""
    from orchestrator.wiring import overview

    for line in overview(runs):
        click.echo(line)


def _carry(open_study: Callable[[], AbstractContextManager[Study]]) -> None:
    """Run the loop on what `open_study` opens, and say at the end where the results lie."""
    from orchestrator.pipeline import run_idea

    with open_study() as study:
        outcome = run_idea(study)
    paper = outcome.pdf or f"no PDF: LaTeX is not installed ({outcome.missing})"
    click.echo(f"done: {outcome.folder}  paper: {paper}")


def main() -> NoReturn:
    """Parse the command line and exit: 0 done, 1 cannot go on, 2 bad input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
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
