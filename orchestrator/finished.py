"""An idea folder whose paper was written, opened again without models: for `compile`, `export` and `adopt`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import inputs
from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.backends.sandbox import Level, probe
from orchestrator.begun import Begun, provenance
from orchestrator.errors import BadInput
from orchestrator.manuscript import standing
from orchestrator.paper.bib import Library
from orchestrator.records import Evidence, Section
from orchestrator.screen import Terminal
from orchestrator.stages.cite import Cited
from orchestrator.stages.confirm import FILE, Confirmed
from orchestrator.stages.plot import Plotted
from orchestrator.study import told
from orchestrator.typesetting import Press, bibliography
from orchestrator.wiring import find_run
from orchestrator.workspace import Workspace


@dataclass(frozen=True)
class Finished:
    """A written paper: its sections as cited, its evidence with figures, and what it is printed with."""

    begun: Begun
    cited: tuple[Section, ...]
    evidence: Evidence
    press: Press

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections as they stand after every revision."""
        return standing(self.cited, self.press.workspace.journal)

    def library(self) -> Library:
        """What a section may cite: the paper's own bibliography and, where it lies here, the template's."""
        own = bibliography(self.press.workspace)
        path = inputs.REPOSITORY / self.begun.template / "references.bib"
        return Library.read(path).joined(own) if path.is_file() else own


@contextmanager
def open_finished(run: str, runs: Path, *, allow_unsandboxed: bool = False) -> Iterator[Finished]:
    """Open the folder of RUN; BadInput where its paper is not written yet, or its evidence was changed."""
    workspace = Workspace(find_run(run, runs))
    screen = Terminal()
    try:
        journal = workspace.journal
        begun, cited = journal.find("begin", "", Begun), journal.find("cite", "", Cited)
        confirmed, plotted = journal.find("confirm", "", Confirmed), journal.find("plot", "", Plotted)
        if begun is None or cited is None or confirmed is None or plotted is None:
            raise BadInput(f"{workspace.root}: its paper is not written yet; `launch.py resume` goes on with it")
        if workspace.sha256(FILE) != confirmed.sha256:
            raise BadInput(
                f"{workspace.path(FILE)}: changed since it was written; restore it, `launch.py verify` says more"
            )
        evidence = Evidence.model_validate_json(workspace.read(FILE)).model_copy(update={"figures": plotted.figures})
        typesetter = Latexmk(LocalExecutor(_level(allow_unsandboxed=allow_unsandboxed)))
        press = Press(workspace, typesetter, screen, told(provenance(begun), journal), Path(begun.template).name)
        yield Finished(begun, cited.sections, evidence, press)
    finally:
        screen.close()
        workspace.journal.close()


def _level(*, allow_unsandboxed: bool) -> Level:
    protection = probe()
    if protection.level == "none" and not allow_unsandboxed:
        raise BadInput(f"LaTeX can't be confined here: {protection.reason}; accept the risk with --allow-unsandboxed")
    return protection.level
