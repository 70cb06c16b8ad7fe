"""Command `evaluate`: a benchmark of the field's on the runs of an idea."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import json_flag, runs_flag, unsandboxed_flag

if TYPE_CHECKING:
    from orchestrator.evaluating import Evaluations

EXPLORATORY = "exploratory: these results are on the part dev, in no evidence.json, and in no paper"


@click.command()
@click.argument("run")
@click.option("--evaluations", metavar="NAME,...", default="", help="Which; the template's choice if left out.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of data sets; nothing is downloaded.")
@click.option("--all-seeds", is_flag=True, help="Every seed of a condition, not the first alone.")
@click.option("--saelens", type=click.Path(path_type=Path), help="Also write the weights for SAELens into this folder.")
@json_flag
@runs_flag
@unsandboxed_flag
def evaluate(run: str, runs: Path, *, allow_unsandboxed: bool, as_json: bool, **flags: object) -> None:
    """Run the template's benchmark (SAEBench) on the accepted runs of RUN; status 1 where it fails on one as a whole.

    Results are kept in RUN/evaluations/run_N. They are exploratory: the paper and its evidence know nothing of them.
    """
    from orchestrator.evaluating import Wanted, evaluate_runs, open_runs
    from orchestrator.flags import read_flags

    found: dict[str, Evaluations] = {}
    failed: dict[str, str] = {}
    with open_runs(run, runs, allow_unsandboxed=allow_unsandboxed) as study:
        for name, outcome in evaluate_runs(study, read_flags(Wanted, flags)):
            if isinstance(outcome, str):
                failed[name] = outcome
            else:
                found[name] = outcome
            for line in () if as_json else _rows(name, outcome):
                click.echo(line)
    if as_json:
        results = {name: one.model_dump() for name, one in found.items()}
        click.echo(json.dumps({"exploratory": EXPLORATORY, "runs": results, "failed": failed}, indent=1))
    else:
        for line in (*_remarks(found), EXPLORATORY):
            click.echo(line)
    sys.exit(1 if failed else 0)


def _rows(run: str, outcome: Evaluations | str) -> Iterator[str]:
    """Yield a line for each evaluation that was tried; text of a program shows no control character on a terminal."""
    if isinstance(outcome, str):
        yield f"{run:<8}failed  {_printable(outcome)}"
        return
    for artefact, entries in outcome.root.items():
        for name, one in entries.items():
            shown = [f"{key} {'none' if value is None else f'{value:.4g}'}" for key, value in one.main.items()]
            if one.status != "skipped":
                yield f"{run:<8}{artefact:<32}{name:<16}{one.status:<8}{_printable(one.why) or '  '.join(shown)}"


def _remarks(found: dict[str, Evaluations]) -> Iterator[str]:
    """Yield what was skipped, once for each reason, and what is to be known about the others."""
    entries = [one for outcome in found.values() for by_name in outcome.root.values() for one in by_name.items()]
    skipped = [(name, one.why) for name, one in entries if one.status == "skipped"]
    for name, why in dict.fromkeys(skipped):
        yield f"skipped {name} ({skipped.count((name, why))} artefacts): {_printable(why)}"
    for name, note in dict.fromkeys((name, one.note) for name, one in entries if one.status != "skipped" and one.note):
        yield f"note    {name}: {_printable(note)}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
