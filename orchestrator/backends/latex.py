"""Makes the PDF with latexmk, confined like every other program, and turns its failures into one line."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from orchestrator.errors import TypesettingFailed
from orchestrator.outside import Command
from orchestrator.protocols import Executor
from orchestrator.records import Limits

PACKAGES = "latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended lmodern"
INSTALL = f"apt-get install --no-install-recommends -y {PACKAGES}"
PROGRAMS = ("latexmk", "pdflatex", "bibtex", "kpsewhich")
# One file of each package above that the paper's frame needs.
STYLES = ("lmodern.sty", "microtype.sty", "booktabs.sty", "placeins.sty", "adjustbox.sty", "makecell.sty", "ptmr8t.tfm")
TEX_TREES = tuple(
    Path(name)
    for name in ("/usr/share/texmf", "/usr/share/texlive", "/usr/local/share/texmf", "/var/lib/texmf", "/etc/texmf")
)
LIMITS = Limits(timeout_s=120, memory_mb=2000, file_mb=200, processes=32)
# 2000-01-01: a PDF's bytes follow from its sources alone, so they must not hold the time at which it was made.
EPOCH_S = "946684800"
ARGUMENTS = (
    *("latexmk", "-norc", "-pdf", "-gg", "-no-shell-escape", "-halt-on-error"),
    *("-file-line-error", "-interaction=nonstopmode"),
)
_ERROR = re.compile(r"^(?:\./)?([^\s:][^:\n]*):(\d+): (.+)$", re.MULTILINE)
_CONTEXT = re.compile(r"^l\.\d+ (.*)$", re.MULTILINE)
_UNPLACED = re.compile(r"^! (.+)$", re.MULTILINE)
_BIBTEX = re.compile(r"^(.+)---line (\d+) of file (.+)$|^I (?:couldn't|found no) .+$", re.MULTILINE)


class Latexmk:
    """The typesetter (`protocols.Typesetter`)."""

    def __init__(self, executor: Executor, limits: Limits = LIMITS) -> None:
        """Run latexmk by `executor`, within `limits`."""
        self._executor = executor
        self._limits = limits

    def missing(self) -> str:
        """Return '' where a PDF can be made, else the command that installs what is missing."""
        if not all(shutil.which(program) for program in PROGRAMS):
            return INSTALL
        found = subprocess.run(
            ["kpsewhich", *STYLES], capture_output=True, text=True, check=False, timeout=self._limits.timeout_s
        )
        return "" if len(found.stdout.split("\n")) > len(STYLES) else INSTALL

    def typeset(self, folder: Path, main: str) -> Path:
        """Compile `folder/main` and return the PDF beside it, its log lies there too.

        Raises TypesettingFailed with file, line and TeX's message, or with the limit that was reached.
        """
        folder = folder.resolve()
        pdf = (folder / main).with_suffix(".pdf")
        pdf.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="texmf-") as scratch:
            result = self._executor.run(_command(folder, main, Path(scratch), self._limits))
        if result.stopped:
            raise TypesettingFailed(f"{folder / main}: latexmk was ended: {result.stopped}")
        if not result.ok or not pdf.is_file() or pdf.stat().st_size == 0:
            raise _failure(folder, main)
        return pdf


def _command(folder: Path, main: str, scratch: Path, limits: Limits) -> Command:
    # bibtex exits with 2 where nothing is cited, which latexmk takes for a failure: then it is not run at all.
    bibtex = "-bibtex" if _cites(folder / main) else "-bibtex-"
    return Command(
        argv=(*ARGUMENTS, bibtex, main),
        cwd=folder,
        readable=tuple(tree for tree in TEX_TREES if tree.is_dir()),
        writable=(folder, scratch),
        env={
            "HOME": str(scratch),
            "TEXMFHOME": str(scratch / "home"),
            "TEXMFVAR": str(scratch / "var"),
            "TEXMFCONFIG": str(scratch / "config"),
            "SOURCE_DATE_EPOCH": EPOCH_S,
            "FORCE_SOURCE_DATE": "1",
            "max_print_line": "2000",  # TeX breaks the lines of its log, and with them the messages, at 79 characters
            "openin_any": "p",
            "openout_any": "p",
        },
        limits=limits,
        stdout=folder / "latexmk.stdout.log",
        stderr=folder / "latexmk.stderr.log",
    )


def _cites(main: Path) -> bool:
    return re.search(r"\\bibliography\{", main.read_text(encoding="utf-8", errors="replace")) is not None


def _failure(folder: Path, main: str) -> TypesettingFailed:
    """Return `file:line: message` from the logs: TeX's first error, else bibtex's, else latexmk's last words."""
    log = _text(folder / Path(main).with_suffix(".log"))
    error = _ERROR.search(log)
    if error:
        context = _CONTEXT.search(log, error.end())
        near = f" (at: {context[1].strip()})" if context and context[1].strip() else ""
        message = f"{folder / error[1]}:{error[2]}: {error[3].strip()}{near}"
        return TypesettingFailed(message, file=error[1], line=int(error[2]))
    unplaced = _UNPLACED.search(log)
    if unplaced:
        return TypesettingFailed(f"{folder / main}: {unplaced[1].strip()}", file=main)
    bibtex = _BIBTEX.search(_text(folder / Path(main).with_suffix(".blg")))
    if bibtex and bibtex[3]:
        return TypesettingFailed(f"{folder / bibtex[3]}:{bibtex[2]}: {bibtex[1]}", file=bibtex[3], line=int(bibtex[2]))
    if bibtex:
        return TypesettingFailed(f"{folder / main}: bibtex: {bibtex[0]}", file=main)
    words = _text(folder / "latexmk.stderr.log").split("\n") + _text(folder / "latexmk.stdout.log").split("\n")
    last = next((line for line in reversed(words) if line.strip()), "latexmk left no message")
    return TypesettingFailed(f"{folder / main}: {last}", file=main)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
