"""Studies whose truth is known: a baseline's curve and arms near it, as evidence for the code that judges real ones.

Seven conditions of the baseline have an L0 from 30 to 90. Explained variance follows a curve in L0 (0.64 to 0.75)
with a standard deviation of 0.003 over seeds, L0 one of 2 %, and the two are correlated within a seed. A trained
model's luck on dev is its luck on test, to within a sixth.
"""

from __future__ import annotations

import math

import numpy as np

from orchestrator.evidence.compare import difference
from orchestrator.records import Evidence, EvidenceEntry, Hypothesis, MetricSpec, Verdict

SPREAD = 0.003
SPREAD_L0 = 0.02
SPREAD_SCORING = 0.0005
CURVE = tuple(float(l0) for l0 in np.geomspace(30, 90, 7))
EV = MetricSpec(name="ev", words="explained variance", direction="higher", smallest_effect=0.01, match="l0")
PLAIN = EV.model_copy(update={"match": None})
L0 = MetricSpec(name="l0", words="L0", direction="none")
Array = np.ndarray
Block = tuple[tuple[int, ...], Array]


class Study:
    """The runs of one simulated study. A block is some seeds with their luck, of which each run has a `shared` part."""

    def __init__(self, rng: np.random.Generator, seeds: int, shared: float = 0.0) -> None:
        self.rng, self.seeds, self.shared = rng, seeds, shared
        self.entries: list[EvidenceEntry] = []
        self.runs: dict[str, str] = {}
        self.block = self.draw_seeds(0)

    def draw_seeds(self, first: int) -> Block:
        return tuple(range(first, first + self.seeds)), self.rng.standard_normal((2, self.seeds))

    def baseline(self) -> None:
        """Train the curve on the present block."""
        self._train({f"l1={n}": l0 for n, l0 in enumerate(CURVE)}, "baseline")

    def arm(self, effect: float = 0.0, l0: float | None = None, spread: float = 1.0) -> str:
        """Train an arm on the present block, `effect` above the curve; return its run."""
        where = float(np.exp(self.rng.uniform(np.log(33), np.log(82)))) if l0 is None else l0
        return self._train({"arm": where}, "arm", effect, spread)

    def evidence(self, hypotheses: tuple[Hypothesis, ...] = (), metric: MetricSpec = EV) -> Evidence:
        return Evidence.model_construct(
            entries=tuple(self.entries), runs=dict(self.runs), settings={}, counts={}, hypotheses=hypotheses,
            metrics=(metric, L0), figures=(),
        )  # fmt: skip

    def difference(self, arm: str, reference: str = "run_0", split: str = "test") -> Verdict:
        return difference(self.evidence(), (arm, reference), "ev", split=split)

    def _train(self, conditions: dict[str, float], kind: str, effect: float = 0.0, spread: float = 1.0) -> str:
        run = f"run_{len(self.runs)}"
        self.runs[run] = f"{kind}_{len(self.runs)}"
        seeds, luck = self.block
        for condition, l0 in conditions.items():
            own = self.rng.standard_normal((2, self.seeds))
            along, off = math.sqrt(self.shared) * luck + math.sqrt(1 - self.shared) * own
            place = math.log(l0) + SPREAD_L0 * along
            value = curve(place) + effect + spread * SPREAD * (0.5 * along + math.sqrt(0.75) * off)
            for split in ("dev", "test"):
                scored = value + SPREAD_SCORING * self.rng.standard_normal(self.seeds)
                for metric, values in (("ev", scored), ("l0", np.exp(place))):
                    self.entries.append(
                        EvidenceEntry.model_construct(
                            run=run,
                            condition=condition,
                            split=split,
                            metric=metric,
                            seeds=seeds,
                            per_seed=tuple(values.tolist()),
                        )  # fmt: skip
                    )
        return run


def curve(log_l0: Array | float) -> Array:
    return np.asarray(1 - 1.1 * np.exp(-0.33 * np.asarray(log_l0)))
