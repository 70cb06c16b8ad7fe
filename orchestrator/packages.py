"""Packages that a model asks for: the user's word on them, and what a yes means for the runs so far.

A yes gives the idea another environment, and results from two environments are not compared: run_0 and every accepted
run is withdrawn and its code executed again, and so is the run that asked.
"""

from __future__ import annotations

from orchestrator.attempts import accepted, attempts, withdraw
from orchestrator.errors import PackageNeeded
from orchestrator.records import Decision, Edit, Finding, Needs, Plan, Run
from orchestrator.study import DECISION, Study

KIND = "needs"
SUPERSEDED = "superseded"


def installed(lock: str) -> tuple[str, ...]:
    """Return the packages of a requirements file, as `name version`."""
    lines = [line.partition("==") for line in lock.splitlines()]
    return tuple(f"{name} {version.split()[0]}" for name, equal, version in lines if equal)


def granted(packages: tuple[str, ...], run: Run, study: Study) -> bool:
    """True where the user allowed what `run` asks for and it has not been executed with that yet.

    Raises PackageNeeded where the user has not decided on one of them.
    """
    if not packages:
        return False
    journal = study.workspace.journal
    journal.once(KIND, run.step.label, Needs, lambda: Needs(packages=packages))
    decisions = {name: journal.find(DECISION, name, Decision) for name in packages}
    open_ = tuple(name for name, decision in decisions.items() if decision is None)
    if open_:
        raise PackageNeeded(open_, str(study.workspace.root))
    executed = next(event.n for event in journal.events if (event.kind, event.step) == ("execute", run.step.label))
    return any(e.kind == DECISION and e.n > executed and e.data["allowed"] for e in journal.events)


def refused(study: Study) -> tuple[str, ...]:
    """Return the packages to which the user said no."""
    events = [event for event in study.workspace.journal.events if event.kind == DECISION]
    return tuple(event.step for event in events if not event.data["allowed"])


def restart(run: Run, plan: Plan, study: Study) -> Plan:
    """Return the plan that executes everything again in the new environment; what was made before is kept aside."""
    workspace, journal = study.workspace, study.workspace.journal
    made = [*accepted(journal), run]
    baseline = journal.find("edit", made[0].step.label, Edit)
    if baseline is not None:
        workspace.write(baseline.path, workspace.text_at(baseline.commit, baseline.path))
    for one in made:
        message = f"{one.step.run} is executed again in an environment with other packages"
        why = Finding(code=SUPERSEDED, severity="note", message=message, where=one.path)
        withdraw(journal, one, why, workspace.relative(workspace.keep_attempt(one.step)))
    first = 1 + max(one.step.attempt for one in attempts(journal))
    again = tuple(one.step.planned for one in made if one.step.planned)
    return plan.model_copy(
        update={
            "runs": (*again, *plan.runs[1:]),
            "number": 0,
            "attempt": first,
            "first": first,
            "tries": 1,
            "prose": "The user allowed the package. All runs are executed again, in an environment that has it.",
        }
    )
