"""Hypotheses that a model makes after it has seen results, and the runs that test them. Pure.

Results on the seeds of the exploratory runs are known by then, so that each such hypothesis is rewritten to compare
runs on fresh seeds: `momentum` becomes `momentum_fresh`, the code of `momentum` as it stands, executed after the last
exploratory run. Nobody sees a result on the fresh seeds before the last hypothesis is frozen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestrator.records import Hypothesis, MetricSpec, PlannedRun

SUFFIX = "_fresh"
LONGEST = 40 - len(SUFFIX)
BASELINE = "baseline"


def freeze(asked: Sequence[Hypothesis], known: int) -> tuple[Hypothesis, ...]:
    """Return the hypotheses on fresh seeds, frozen when the results of `known` runs were known."""
    return tuple(
        one.model_copy(
            update={"arm": one.arm + SUFFIX, "reference": _renamed(one.reference), "frozen_after": known}
        )
        for one in asked
    )  # fmt: skip


def confirmatory(
    frozen: Sequence[Hypothesis], sources: Mapping[str, PlannedRun], metrics: Sequence[MetricSpec]
) -> tuple[PlannedRun, ...]:
    """Return the runs on fresh seeds that `frozen` needs, of the planned runs `sources` by name.

    Where a metric is matched, that takes the baseline's curve on the same seeds too.
    """
    matched = {spec.name for spec in metrics if spec.match}
    names: dict[str, None] = {}
    for one in frozen:
        if one.match or one.metric in matched:
            names[BASELINE] = None
        names |= dict.fromkeys((one.reference.partition("@")[0].removesuffix(SUFFIX), one.arm.removesuffix(SUFFIX)))
    return tuple(_again(name, sources) for name in names)


def standing(runs: Sequence[PlannedRun], made: Collection[str]) -> tuple[PlannedRun, ...]:
    """Return `runs`, fresh ones last and without those whose code will never be there; `made` are the accepted ones."""
    explored = [run for run in runs if not run.fresh]
    there = {BASELINE, *made, *(run.name for run in explored)}
    return (*explored, *(run for run in runs if run.fresh and run.replicates in there))


def _renamed(reference: str) -> str:
    run, at, condition = reference.partition("@")
    return run + SUFFIX + at + condition


def _again(name: str, sources: Mapping[str, PlannedRun]) -> PlannedRun:
    goal = f"Repeat the code of {name}, as it stands, on seeds that no run has used."
    settings = sources[name].settings if name in sources else {}
    return PlannedRun(name=name + SUFFIX, goal=goal, settings=settings, replicates=name, fresh=True)
