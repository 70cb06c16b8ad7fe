"""What can go wrong, as one small family of exceptions.

    GroundworkError                exit status 1: the orchestrator cannot go on
    ├── BadInput                   exit status 2: a file, a field or a flag of the user's is wrong
    ├── ModelUnavailable           a model call cannot be answered (no session entry, provider down)
    │   ├── BudgetReached          the next call could pass a budget
    │   └── AnswersSpent           a model answered as often as it may, and never in a form that can be used
    ├── PackageNeeded              a run asks for a package that only the user can allow
    ├── ScholarUnavailable         a service of citations can't be asked; never the same as "nothing was found"
    ├── JournalCorrupt             the journal does not replay
    └── TypesettingFailed          LaTeX stopped, with file, line and message

A failing *experiment* is none of these: it is data (a `Run` with findings). Only `cli` catches this family.
"""

from __future__ import annotations


class GroundworkError(Exception):
    """The orchestrator cannot go on; the message is one line that a person can act on."""

    exit_status = 1


class BadInput(GroundworkError):
    """Something the user gave is wrong; the message names the file, the field and what to do."""

    exit_status = 2


class ModelUnavailable(GroundworkError):
    """No answer can be had from the model that was asked for."""


class BudgetReached(ModelUnavailable):
    """The next call could pass a budget. `reserve_left`: the paper can still be written from what stands."""

    def __init__(self, message: str, *, reserve_left: bool) -> None:
        super().__init__(message)
        self.reserve_left = reserve_left


class AnswersSpent(ModelUnavailable):
    """A model's answers were refused as often as they are sent back."""


class PackageNeeded(GroundworkError):
    """A model asks for packages, and the user has to say yes or no; `run` is the idea folder."""

    def __init__(self, packages: tuple[str, ...], run: str) -> None:
        names = " and ".join(packages)
        flags = " ".join(f"--allow-package {name}" for name in packages)
        super().__init__(
            f"the model asks for {names}, which only you can allow: python launch.py resume {run} {flags} (makes a new "
            f"environment and executes every run again), or {flags.replace('--allow', '--deny')}"
        )
        self.packages = packages
        self.run = run


class ScholarUnavailable(GroundworkError):
    """A service of citations gave no answer that can be read; the message names it, and what to do."""


class JournalCorrupt(GroundworkError):
    """A journal line other than a torn last one does not check out."""


class TypesettingFailed(GroundworkError):
    """The paper did not compile; the message holds file, line (from 1; 0: not known) and TeX's own words."""

    def __init__(self, message: str, *, file: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
