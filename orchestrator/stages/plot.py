"""Stage `plot`: the coder fits `plot.py` to the study, and it draws the figures from `evidence.json`, confined."""

from __future__ import annotations

import ast

from pydantic import Field

from orchestrator import prompts
from orchestrator.errors import GroundworkError
from orchestrator.evidence.faults import fault, last_traceback
from orchestrator.leftovers import read_log
from orchestrator.outside import Command
from orchestrator.protocols import EditTask
from orchestrator.records import Evidence, Figure, Record
from orchestrator.study import Study, asker

FILE = "plot.py"
MAX_TRIES = 3
MIN_BYTES = 1000


class Plotted(Record):
    """The figures that the paper may show."""

    figures: tuple[Figure, ...] = Field(min_length=1)


def plot_runs(evidence: Evidence, study: Study) -> Evidence:
    """Return the evidence with its figures; raises GroundworkError if no plot.py draws any."""

    def make() -> Plotted:
        study.backends.screen.stage("plot")
        failure = ""
        for attempt in range(1, MAX_TRIES + 1):
            text = _edit(attempt, failure, evidence, study)
            failure = _draw(text, study)
            if not failure:
                return Plotted(figures=_figures(study))
            study.backends.screen.note(f"  rejected: {failure.splitlines()[0]}")
        raise GroundworkError(f"{study.workspace.path(FILE)}: no figures after {MAX_TRIES} attempts: {failure}")

    plotted = study.workspace.journal.once("plot", "", Plotted, make)
    return evidence.model_copy(update={"figures": plotted.figures})


def _edit(attempt: int, failure: str, evidence: Evidence, study: Study) -> str:
    entries = sorted({f"{e.run} {e.condition} {e.metric} {e.split}" for e in evidence.entries})
    instruction = prompts.render(
        "plot", attempt=attempt, failure=failure, runs=evidence.runs, entries="\n".join(entries)
    )
    before = study.workspace.read(FILE)
    task = EditTask(editable={FILE: before}, instruction=instruction, edit_format=study.edit_format)
    reply = study.backends.coder.edit(task, asker(study, "plot", f"attempt_{attempt}"))
    return reply.files.get(FILE, before)


def _draw(text: str, study: Study) -> str:
    """Run plot.py; return '' and commit it where figures came of it, else what went wrong."""
    workspace, setting = study.workspace, study.setting
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"{FILE} does not parse: {error}"
    workspace.write(FILE, text)
    figures = workspace.path("figures")
    figures.mkdir(exist_ok=True)
    for old in figures.iterdir():
        old.unlink()
    result = study.backends.executor.run(
        Command(
            argv=(str(study.python), FILE),
            cwd=workspace.root,
            readable=(workspace.path(FILE), workspace.path("evidence.json"), *study.readable),
            writable=(figures,),
            env={**setting.environment, "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp"},  # noqa: S108
            limits=setting.template.limits,
            stdout=workspace.path("plot.stdout.log"),
            stderr=workspace.path("plot.stderr.log"),
        )
    )
    if not result.ok:
        stderr = read_log(workspace.root, "plot.stderr.log")
        return f"{fault(result, stderr, 'plot.stderr.log').message}\n{last_traceback(stderr)}"
    if not _figures(study):
        return "plot.py ended well but left no figure: each needs figures/<name>.pdf and figures/<name>.png, not empty"
    workspace.commit(FILE, "plot.py for the figures")
    return ""


def _figures(study: Study) -> tuple[Figure, ...]:
    folder = study.workspace.path("figures")
    names = sorted(path.stem for path in folder.glob("*.pdf") if _is_figure(path.stem, study))
    return tuple(Figure(name=name, pdf=f"figures/{name}.pdf", png=f"figures/{name}.png") for name in names)


def _is_figure(name: str, study: Study) -> bool:
    files = [study.workspace.path(f"figures/{name}{suffix}") for suffix in (".pdf", ".png")]
    return all(f.is_file() and not f.is_symlink() and f.stat().st_size >= MIN_BYTES for f in files)
