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
ROLES = ("planning", "coding", "writing", "reviewing")
FORMATS = ("diff", "udiff", "whole", "architect")


def model_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that say who answers, and what that may cost."""
    flags = (
        click.option("--model", metavar="MODEL", help="anthropic/NAME, openai/NAME, mailbox or replay[:FILE]."),
        *(click.option(f"--{role}-model", metavar="MODEL", help=f"Another model for {role}.") for role in ROLES),
        click.option("--base-url", metavar="URL", help="Endpoint of the live models."),
        click.option("--price", metavar="IN,OUT", help="USD per million tokens, where the table lacks it."),
    )
    return _all(flags, command)


def budget_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that limit what live models may use."""
    flags = (
        click.option("--budget-usd", metavar="USD|none", help="At most this much (5 for live models)."),
        click.option("--budget-tokens", type=int, help="At most so many tokens, in and out."),
        click.option("--budget-calls", type=int, help="At most so many requests."),
        click.option("--budget-hours", type=float, help="At most so long."),
        click.option("--key-file", type=click.Path(path_type=Path), help="NAME=KEY lines; else the environment."),
    )
    return _all(flags, command)


def _all(flags: tuple[Callable[..., Callable[..., None]], ...], command: Callable[..., None]) -> Callable[..., None]:
    for flag in reversed(flags):
        command = flag(command)
    return command


def _runs(command: Callable[..., None]) -> Callable[..., None]:
    where = click.Path(path_type=Path)
    return click.option("--runs", type=where, default=RUNS, help="Where idea folders lie (runs/).")(command)


def _unsandboxed(command: Callable[..., None]) -> Callable[..., None]:
    text = "Run model-written code without bubblewrap, with your rights."
    return click.option("--allow-unsandboxed", is_flag=True, help=text)(command)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--idea", metavar="NAME|FILE", help="Carry this idea from plan to paper.")
@click.option("--template", metavar="NAME|DIR", help="Another setting than the one that the idea names.")
@click.option("--profile", metavar="NAME", help="Scale of the setting; the template's default if left out.")
@click.option("--edit-format", type=click.Choice(FORMATS), default="diff", help="The form of the coder's edits.")
@model_flags
@budget_flags
@_runs
@_unsandboxed
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
    _carry(lambda: begin(read_flags(Start, flags), models))


@groundwork.command()
@click.argument("run")
@budget_flags
@_runs
@_unsandboxed
def resume(run: str, **flags: object) -> None:
    """Go on with the idea folder RUN (a path, or a name under runs/) at the first stage its journal lacks."""
    from orchestrator.flags import BudgetFlags, Start, read_flags
    from orchestrator.wiring import reopen

    start = read_flags(Start, {**flags, "idea": run})
    _carry(lambda: reopen(run, start, read_flags(BudgetFlags, flags)))


@groundwork.command("list")
@_runs
def list_all(runs: Path) -> None:
    """List ideas, templates, and idea folders with the stage that each has reached."""
    from orchestrator.wiring import overview

    for line in overview(runs):
        click.echo(line)


@groundwork.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_runs
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


@groundwork.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_runs
def verify(run: str, runs: Path, *, as_json: bool) -> None:
    """Derive the evidence of RUN from its files again and say what differs; status 1 where something is wrong."""
    from orchestrator.verify import keep
    from orchestrator.verify import verify as audited
    from orchestrator.wiring import find_run

    folder = find_run(run, runs)
    audit = audited(folder)
    unkept = keep(audit, folder)
    for finding in () if as_json else audit.findings:
        line = f"{finding.severity} {finding.code}: {finding.message} ({finding.where})"
        click.echo("".join(character if character.isprintable() else "?" for character in line))
    summary = f"{folder}: {len(audit.runs)} runs, {audit.errors} errors"
    click.echo(audit.model_dump_json(indent=1) if as_json else summary)
    if unkept:
        click.echo(f"warning: {unkept}", err=True)
    sys.exit(1 if audit.errors else 0)


@groundwork.command()
@click.argument("run")
@_runs
def mailbox(run: str, runs: Path) -> None:
    """Show the prompt of RUN that waits for an answer, or hand an answer in on standard input."""
    from orchestrator.models.mailbox import hand_in, open_prompt
    from orchestrator.wiring import find_run

    folder = find_run(run, runs)
    answer = "" if sys.stdin.isatty() else sys.stdin.read()
    if answer.strip():
        click.echo(f"handed in: {hand_in(folder, answer)}")
        return
    prompt = open_prompt(folder)
    click.echo(prompt.text if prompt else f"{folder}: no prompt is open")


@groundwork.command()
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path))
@_runs
def record(run: str, file: Path, runs: Path) -> None:
    """Save the answers that RUN got as the session FILE, for --model replay:FILE or to renew a bundled one."""
    from orchestrator.models.recording import record as write_down
    from orchestrator.wiring import find_run
    from orchestrator.workspace import Workspace

    header = write_down(Workspace(find_run(run, runs)), file)
    click.echo(f"{file}: {header.kind} session of {header.idea}")


def _carry(open_study: Callable[[], AbstractContextManager[Study]]) -> None:
    """Run the loop on what `open_study` opens, and say at the end where the results lie."""
    from orchestrator.pipeline import run_idea

    with open_study() as study:
        outcome = run_idea(study)
    paper = outcome.pdf or f"no PDF: LaTeX is not installed ({outcome.missing})"
    click.echo(f"done: {outcome.folder}  paper: {paper}")


def main() -> NoReturn:
    """Parse the command line and exit: 0 done, 1 cannot go on, 2 bad input, 130 interrupted."""
    # A shell that starts us in the background has interrupts ignored; a user's Ctrl-C or kill -INT shall still work.
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
