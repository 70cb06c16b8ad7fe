"""Results that repeat where they can't: of a run that changed nothing, or of files that were copied. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.evidence.facts import GradedRun
from orchestrator.evidence.metrics import Declared
from orchestrator.records import Condition, Finding

Values = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Twin:
    """A condition of the run, and the earlier condition (`run_0@name`) that it repeats: in all metrics, or the core."""

    condition: str
    of: str
    whole: bool
    same_config: bool


def repeats(run: GradedRun, earlier: Sequence[GradedRun], declared: Declared) -> tuple[Finding, ...]:
    """Return findings on a run that gives another's results to the last bit.

    A run with one new condition among repeated ones is in order, if the repeated ones say that they are the same. A
    planned repetition raises no alarm, nor do metrics that may repeat.
    """
    others = [other for other in earlier if not run.replicates(other)]
    copied = tuple(_copied(run, others))
    twins = list(_twins(run, others, declared))
    if twins and len(twins) == len(run.info.root):
        return (*copied, _nothing_new(run, twins))
    pretended = [twin for twin in twins if not twin.same_config]
    return (*copied, *(_doubtful(run, twin) for twin in pretended))


def _twins(run: GradedRun, others: Sequence[GradedRun], declared: Declared) -> Iterator[Twin]:
    for name, condition in run.info.root.items():
        for other in others:
            found = _twin(name, condition, other, declared)
            if found:
                yield found
                break


def _twin(name: str, condition: Condition, other: GradedRun, declared: Declared) -> Twin | None:
    for called, known in other.info.root.items():
        same_config = known.config == condition.config
        for whole in (True, False):
            if _same(condition, known, declared, whole=whole):
                return Twin(name, f"{other.name}@{called}", whole, same_config)
    return None


def _same(one: Condition, other: Condition, declared: Declared, *, whole: bool) -> bool:
    """Compare all metrics, or the primary ones with the losses that both report; nothing to compare is not the same."""
    metrics = [m.name for m in declared.metrics if not m.may_repeat and (whole or m.primary)]
    values = [_column(condition.final_info_dict, metrics) for condition in (one, other)]
    if not whole:
        losses = [key for key in one.self_reported if "loss" in key and key in other.self_reported]
        if not losses:
            return False
        values = [v + _column(c.self_reported, losses) for v, c in zip(values, (one, other), strict=True)]
    return bool(metrics) and all(values[0]) and values[0] == values[1]


def _column(found: dict[str, list[float | None]], names: list[str]) -> Values:
    return tuple(tuple(found.get(name, ())) for name in names)


def _nothing_new(run: GradedRun, twins: list[Twin]) -> Finding:
    pairs = ", ".join(f"'{twin.condition}' those of {twin.of}" for twin in twins)
    if all(twin.whole for twin in twins):
        message = f"{run.name} repeats earlier results to the last bit ({pairs}): the edit changed nothing that matters"
        return Finding(code="identical-run", severity="error", message=message, where=run.where)
    message = (
        f"{run.name} has the loss and the main results of earlier runs to the last bit ({pairs}): "
        "its code differs, and its training does not"
    )
    return Finding(code="same-training", severity="error", message=message, where=run.where)


def _doubtful(run: GradedRun, twin: Twin) -> Finding:
    what = "the results" if twin.whole else "the loss and the main results"
    message = (
        f"'{twin.condition}' has {what} of {twin.of} to the last bit, though its settings differ: they had no effect"
    )
    code = "identical-run" if twin.whole else "same-training"
    return Finding(code=code, severity="warning", message=message, where=f"{run.where}#{twin.condition}")


def _copied(run: GradedRun, others: Sequence[GradedRun]) -> Iterator[Finding]:
    for other in others:
        for name, sha256 in run.facts.claimed.items():
            if sha256 and sha256 == other.facts.result_sha256:
                yield _copy(f"{name} is a copy of {other.where}", f"{run.name}/{name}")
        for name, condition in run.info.root.items():
            for called, known in other.info.root.items():
                if condition.config != known.config and _shared(run, name, other, called):
                    yield _copy(_reused(name, other, called), f"{run.name}/{name}")
    for name in run.info.root:
        weights = [found for seed in run.facts.seeds if (found := run.facts.weights(name, seed))]
        if len(set(weights)) < len(weights):
            yield _copy(f"two seeds of '{name}' left the same weights: one was trained, or the seed was not used",
                        f"{run.name}/{name}")  # fmt: skip


def _shared(run: GradedRun, name: str, other: GradedRun, called: str) -> bool:
    pairs = [(run.facts.weights(name, s), other.facts.weights(called, s)) for s in run.facts.seeds]
    return any(ours and ours == theirs for ours, theirs in pairs)


def _reused(name: str, other: GradedRun, called: str) -> str:
    return (
        f"the weights of '{name}' are those of {other.name}@{called} to the last bit, though the settings differ: "
        "they were copied, or the settings have no effect"
    )


def _copy(message: str, where: str) -> Finding:
    return Finding(code="copied-result", severity="error", message=message, where=where)
