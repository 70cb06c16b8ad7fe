"""What a run reads: parts of the data, and where one isn't stored, a producer that streams it beside the run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import GroundworkError
from orchestrator.leftovers import read_log
from orchestrator.outside import Command
from orchestrator.protocols import Companion
from orchestrator.records import Part, Step
from orchestrator.study import Study

READ: tuple[Part, ...] = ("train", "tune")
# A part's folder with this file isn't given to runs: the template's `stream` makes the folder that is.
MARK = "streamed.json"
ENDED = "its activations stopped coming"


@dataclass(frozen=True)
class Supply:
    """The folders that a run may read, by part, and `watch`: '' or why the run can't go on."""

    folders: dict[Part, str]
    watch: Callable[[], str] = lambda: ""


@contextmanager
def supplied(step: Step, parts: dict[Part, str], study: Study) -> Iterator[Supply]:
    """Yield what the run of `step` reads, while it runs.

    Raises GroundworkError if a producer ends before the run does: that is no fault of the experiment.
    """
    folders = {part: parts[part] for part in READ}
    streamed = [part for part in READ if (Path(parts[part]) / MARK).is_file()]
    if not streamed:
        yield Supply(folders)
        return
    (part,) = streamed
    out = study.workspace.path(f".stream/{step.label}")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    command = _producer(step, parts[part], out, study)
    companion = study.backends.executor.open(command)
    try:
        _wait_until_ready(companion, command)
        yield Supply({**folders, part: str(out)}, lambda: ENDED if companion.ended else "")
        if companion.ended:
            raise GroundworkError(_why(command))
    finally:
        companion.close()
        shutil.rmtree(out, ignore_errors=True)


def _wait_until_ready(companion: Companion, command: Command) -> None:
    if companion.stdout.readline() != "ready\n":
        raise GroundworkError(_why(command))


def _why(command: Command) -> str:
    last = read_log(command.stderr.parent, command.stderr.name).strip().splitlines()[-1:] or ["it gave no reason"]
    return f"{command.stderr}: the producer of activations ended: {last[0]}"


def _producer(step: Step, part: str, out: Path, study: Study) -> Command:
    """The producer sees the part, the model and the run's directory, all read-only; it writes `out` alone."""
    setting, run = study.setting, study.workspace.run_dir(step)
    flags = ("--part", part, "--run", str(run), "--out", str(out))
    limits = setting.limits
    return Command(
        argv=(str(setting.python), *setting.template.commands.stream, *flags),
        cwd=out,
        readable=(setting.folder, setting.cache, *setting.own_paths, run),
        writable=(out,),
        env=setting.environment,
        # The run's own time is up first.
        limits=limits.model_copy(update={"timeout_s": 2 * limits.timeout_s}),
        stdout=Path("/dev/null"),
        stderr=study.workspace.path(f".stream/{step.label}.log"),
        accelerator=setting.accelerator,
    )
