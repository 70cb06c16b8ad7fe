"""Evidence made by hand for tests: runs with values whose truth is known."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.records import Evidence, EvidenceEntry, Hypothesis, MetricSpec, Scalar

EV = MetricSpec(name="ev", words="explained variance", direction="higher", smallest_effect=0.02, match="l0")
MSE = MetricSpec(name="mse", words="mean squared error", direction="lower", smallest_effect=0.02)
L0 = MetricSpec(name="l0", words="L0", direction="none")
METRICS = (EV, MSE, L0)
CURVE = (30.0, 36.0, 43.0, 52.0, 62.0, 75.0)
SEEDS = (11, 12, 13, 14, 15)

Condition = dict[str, list[float]]


def curve(l0: float) -> float:
    return 0.2 + 0.2 * math.log(l0) - 0.02 * math.log(l0) ** 2


def noise(number: int, scale: float = 0.003, seeds: int = 5) -> np.ndarray:
    """Seeds' deviations of condition `number`: fixed, different for each number, with a mean of zero."""
    values = np.random.default_rng(number).standard_normal(seeds)
    values -= values.mean()
    return scale * values / values.std(ddof=1)


def point(number: int, l0: float, effect: float = 0.0, scale: float = 0.003) -> Condition:
    """A condition `effect` above the curve at `l0`, which it meets for every seed."""
    return {
        "ev": list(curve(l0) + effect + noise(number, scale)),
        "l0": [l0] * 5,
        "mse": list(1 + noise(number, scale)),
    }


def baseline() -> dict[str, Condition]:
    return {f"l1={n}": point(n, l0) for n, l0 in enumerate(CURVE)}


def made(
    runs: dict[str, dict[str, Condition]],
    hypotheses: tuple[Hypothesis, ...] = (),
    seeds: dict[str, tuple[int, ...]] | None = None,
    settings: dict[str, dict[str, dict[str, Scalar]]] | None = None,
    split: str = "test",
) -> Evidence:
    """Evidence of runs by planned name, in order: run_0, run_1, ..."""
    names = {f"run_{n}": name for n, name in enumerate(runs)}
    entries = tuple(
        EvidenceEntry(
            id=f"{run}@{condition}/{metric}", value=float(np.mean(values)), interval=None, run=run, condition=condition,
            metric=metric, split=split, seeds=(seeds or {}).get(name, SEEDS), per_seed=tuple(values), file="f", key="k",
            sha256="0", computed_by="grader",
        )
        for run, name in names.items()
        for condition, metrics in runs[name].items()
        for metric, values in metrics.items()
    )  # fmt: skip
    return Evidence(
        entries=entries, runs=names, settings=settings or {}, counts={}, hypotheses=hypotheses, metrics=METRICS
    )


def predict(number: int, arm: str, metric: str = "ev", direction: str = "higher", **fields: object) -> Hypothesis:
    values = {"id": f"H{number}", "metric": metric, "direction": direction, "arm": arm, "reference": "baseline"}
    return Hypothesis.model_validate({**values, **fields})
