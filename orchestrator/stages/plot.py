"""Stage `plot`: the coder fits `plot.py` to the study, and it draws the figures from `evidence.json`, confined."""

from __future__ import annotations

import ast
from pathlib import Path

from pydantic import Field, ValidationError

from orchestrator import drawing, prompts
from orchestrator.errors import GroundworkError
from orchestrator.evidence.faults import fault, last_traceback
from orchestrator.evidence.figures import Drawn, check_figure, shown
from orchestrator.leftovers import LeftoverRefused, read_leftover, read_log
from orchestrator.outside import Command
from orchestrator.protocols import EditTask
from orchestrator.records import Evidence, Figure, Record
from orchestrator.study import Study, asker

FILE = "plot.py"
MAX_TRIES = 3
DRAWING = Path(drawing.__file__).resolve()
DATA_BYTES = 4 * 1024 * 1024


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
            failure = _draw(text, study) or _problems(evidence, study)
            if not failure:
                study.workspace.commit(FILE, "plot.py for the figures")
                return Plotted(figures=tuple(_figure(name, evidence, study) for name in _names(study)))
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
    """Run plot.py; return '' where figures came of it, else what went wrong."""
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
            argv=(str(study.python), str(DRAWING), FILE),
            cwd=workspace.root,
            readable=(workspace.path(FILE), workspace.path("evidence.json"), DRAWING, *study.readable),
            writable=(figures,),
            env={**setting.environment, "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp"},  # noqa: S108
            limits=setting.limits,
            stdout=workspace.path("plot.stdout.log"),
            stderr=workspace.path("plot.stderr.log"),
        )
    )
    if not result.ok:
        stderr = read_log(workspace.root, "plot.stderr.log")
        return f"{fault(result, stderr, 'plot.stderr.log').message}\n{last_traceback(stderr)}"
    if not _names(study):
        return "plot.py ended well but saved no figure: each needs figures/<name>.pdf and figures/<name>.png"
    return ""


def _problems(evidence: Evidence, study: Study) -> str:
    """Read each figure back; return what is wrong with them, or ''."""
    problems = []
    for name in _names(study):
        try:
            found = check_figure(_drawn(name, study), evidence)
        except (LeftoverRefused, ValidationError) as error:
            found = (f"it can't be read back: save it with matplotlib, as PDF and as PNG ({str(error)[:200]})",)
        problems += [f"figures/{name}: {problem}." for problem in found]
    return "\n".join(problems)


def _names(study: Study) -> list[str]:
    folder = study.workspace.path("figures")
    return sorted(path.stem for path in folder.glob("*.pdf"))


def _drawn(name: str, study: Study) -> Drawn:
    folder = study.workspace.path("figures")
    read_leftover(folder, f"{name}.png", DATA_BYTES)
    return Drawn.model_validate_json(read_leftover(folder, f"{name}.json", DATA_BYTES))


def _figure(name: str, evidence: Evidence, study: Study) -> Figure:
    entries = shown(_drawn(name, study), evidence)
    return Figure(
        name=name,
        pdf=f"figures/{name}.pdf",
        png=f"figures/{name}.png",
        sha256=study.workspace.sha256(f"figures/{name}.pdf"),
        metrics=tuple(dict.fromkeys(entry.metric for entry in entries)),
        runs=tuple(dict.fromkeys(entry.run for entry in entries)),
    )
