"""How often the verdicts are wrong, and what they can see: `python benchmarks/verdicts.py [--size small] [--out DIR]`.

Simulated studies (see simulated.py) go through the code that judges real ones. Prints each rate with its Monte Carlo
error and ends with status 1 where a stated bound does not hold.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

from benchmarks.simulated import PLAIN, SPREAD, Study, curve  # noqa: E402
from orchestrator.evidence.compare import difference  # noqa: E402
from orchestrator.evidence.inference import block_variance, t_quantile  # noqa: E402
from orchestrator.evidence.verdicts import judge  # noqa: E402
from orchestrator.records import Hypothesis, Verdict  # noqa: E402

SEEDS = (3, 5, 10)
EFFECTS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
ARMS = 4
TRIED = 6
Row = dict[str, float]


def predict(number: int, arm: str, reference: str = "run_0", frozen_after: int = 0) -> Hypothesis:
    return Hypothesis.model_construct(
        id=f"H{number}", metric="ev", direction="higher", arm=arm, reference=reference, match=None,
        frozen_after=frozen_after,
    )  # fmt: skip


def started(rng: np.random.Generator, seeds: int, shared: float = 0.0, effect: float = 0.0) -> tuple[Study, list[str]]:
    """Return a study with its baseline and four arms, the first of which has `effect`."""
    study = Study(rng, seeds, shared)
    study.baseline()
    return study, [study.arm(effect), *(study.arm() for _ in range(ARMS - 1))]


def in_advance(arms: list[str], reference: str = "run_0") -> tuple[Hypothesis, ...]:
    return tuple(predict(n, arm, reference) for n, arm in enumerate(arms, start=1))


def decided(verdicts: tuple[Verdict, ...]) -> bool:
    return any(verdict.outcome in ("confirmed", "contradicted") for verdict in verdicts)


def covers(verdict: Verdict, value: float = 0.0) -> bool:
    assert verdict.interval is not None, verdict.reason
    return verdict.interval[0] <= value <= verdict.interval[1]


# --- what is simulated: each returns what happened in one study ---------------------------------------------------


def frozen(rng: np.random.Generator, seeds: int, shared: float = 0.0) -> Row:
    """Four hypotheses frozen in advance, about arms that are no better than the baseline."""
    study, arms = started(rng, seeds, shared)
    verdicts = judge(study.evidence(in_advance(arms)))
    alone = [study.difference(arm) for arm in arms]
    side_by_side = judge(study.evidence((predict(1, arms[0], "run_0@l1=2"),), PLAIN))
    return {
        "false": decided(verdicts),
        "coverage": float(np.mean([covers(one) for one in alone])),
        "joint coverage": all(covers(one) for one in verdicts),
        "false, each judged alone (control)": not all(covers(one) for one in alone),
        "false, L0 not matched (control)": decided(side_by_side),
    }


def seeds_resemble(rng: np.random.Generator, seeds: int) -> Row:
    """The same, where half of the variance belongs to the seed."""
    found = frozen(rng, seeds, shared=0.5)
    return {key: found[key] for key in ("false", "coverage", "joint coverage")}


def replanned(rng: np.random.Generator, seeds: int) -> Row:
    """As `frozen`, then a look at dev: if nothing pleases, the best of six more arms gets a hypothesis of its own."""
    study, arms = started(rng, seeds)
    hypotheses = in_advance(arms)
    if any(not covers(study.difference(arm, split="dev")) for arm in arms):
        false = decided(judge(study.evidence(hypotheses)))
        return {"false": false, "false, tested where it was chosen (control)": false}
    tried = [study.arm() for _ in range(TRIED)]
    best = max(tried, key=lambda arm: study.difference(arm, split="dev").difference)
    refused = judge(study.evidence((*hypotheses, predict(9, best, frozen_after=len(study.runs)))))[-1]
    assert refused.outcome == "undecided", refused
    careless = decided(judge(study.evidence(hypotheses))) or not covers(study.difference(best))
    known = len(study.runs)
    study.block = study.draw_seeds(1000)
    study.baseline()
    later = predict(9, study.arm(), f"run_{known}", known)
    return {
        "false": decided(judge(study.evidence((*hypotheses, later)))),
        "false, tested where it was chosen (control)": careless,
    }


def two_arms(rng: np.random.Generator, seeds: int) -> Row:
    """Two arms that differ by half a spread: L0 within 1 %, then 15 % apart on curves steeper by a third."""
    study, _ = started(rng, seeds)
    l0 = float(rng.uniform(36, 68))
    near = study.difference(study.arm(0.5 * SPREAD, l0), study.arm(0.0, l0 * 1.01))
    low, high = (study.arm(float(curve(math.log(at)) - curve(4.0)) / 3, at) for at in (l0, l0 * 1.15))
    return {
        "coverage": math.nan if near.interval is None else covers(near, 0.5 * SPREAD),
        "coverage at least, 15 % apart": covers(study.difference(high, low)),
    }


def one_control(rng: np.random.Generator, seeds: int) -> Row:
    """Dunnett's case: three arms against a single condition, unmatched."""
    study = Study(rng, seeds)
    arms = [study.arm(0.0, 52) for _ in range(4)]
    evidence = study.evidence(in_advance(arms[1:]), PLAIN)
    verdicts = judge(evidence)
    return {
        "false": decided(verdicts),
        "joint coverage": all(covers(one) for one in verdicts),
        "coverage": covers(difference(evidence, (arms[1], "run_0"), "ev")),
    }


def one_spread_doubled(rng: np.random.Generator, seeds: int) -> Row:
    """As `frozen`, but one arm varies twice as much over seeds as everything else, which few seeds hardly show."""
    study, arms = started(rng, seeds)
    arms[-1] = study.arm(spread=2.0)
    return {
        "false": decided(judge(study.evidence(in_advance(arms)))),
        "coverage of that arm (no bound)": covers(study.difference(arms[-1])),
    }


def power(rng: np.random.Generator, seeds: int) -> Row:
    """One of four hypotheses is true, by so many spreads over seeds."""
    row: Row = {}
    for effect in EFFECTS:
        study, arms = started(rng, seeds, effect=effect * SPREAD)
        first = judge(study.evidence(in_advance(arms)))[0]
        row[f"power at {effect:g}"] = first.outcome == "confirmed"
        row["detectable"] = (first.detectable or math.nan) / SPREAD
    return row


def variances(rng: np.random.Generator, seeds: int) -> Row:
    """Three ways to estimate the noise, by their half-widths over that of seeds as blocks; seven conditions."""
    weights = np.array([1.0, -0.5, -0.5, 0, 0, 0, 0])
    row: Row = {}
    for shared in (0.0, 0.5):
        luck = math.sqrt(shared) * rng.standard_normal((1, seeds))
        values_cn = luck + math.sqrt(1 - shared) * rng.standard_normal((weights.size, seeds))
        blocks = math.sqrt(block_variance(values_cn)) * t_quantile(0.025, (weights.size - 1) * (seeds - 1))
        pooled = math.sqrt(values_cn.var(1, ddof=1).mean()) * t_quantile(0.025, weights.size * (seeds - 1))
        paired = math.sqrt((weights @ values_cn).var(ddof=1) / (weights @ weights)) * t_quantile(0.025, seeds - 1)
        size = math.sqrt(weights @ weights / seeds)
        for name, half in (("blocks", blocks), ("pooled", pooled), ("paired", paired)):
            row[f"half-width, {name}, shared {shared:g}"] = half * size
            row[f"coverage of {name}, shared {shared:g} (no bound)"] = abs((weights @ values_cn).mean()) <= half * size
    return row


SCENARIOS: dict[str, tuple[Callable[[np.random.Generator, int], Row], float]] = {
    "frozen": (frozen, 1.0),
    "replanned": (replanned, 0.6),
    "seeds_resemble": (seeds_resemble, 1.0),
    "two_arms": (two_arms, 2.0),
    "one_control": (one_control, 0.1),
    "one_spread_doubled": (one_spread_doubled, 0.7),
    "power": (power, 0.2),
    "variances": (variances, 3.0),
}
SMALL = ("frozen", "replanned", "two_arms")


# --- running and reporting ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """The mean of one quantity over simulated studies, with its Monte Carlo standard error."""

    scenario: str
    seeds: int
    quantity: str
    value: float
    error: float

    def breaks(self, errors: float) -> bool:
        """Whether the stated bound is missed by more than so many standard errors."""
        slack = errors * self.error
        if "control" in self.quantity:
            return self.value < 0.05 + 2 * self.error
        if "no bound" in self.quantity or not self.quantity.startswith(("false", "coverage", "joint")):
            return False
        if self.quantity == "coverage":
            return not 0.93 - slack <= self.value <= 0.97 + slack
        return self.value > 0.05 + slack if self.quantity == "false" else self.value < 0.95 - slack


def simulate(task: tuple[str, int, int, int]) -> list[Row]:
    """Return the rows of so many studies; a task is scenario, seeds, studies and the number of its random stream."""
    scenario, seeds, studies, stream = task
    SCENARIOS[scenario][0](np.random.default_rng(0), seeds)  # imports what is imported late
    gc.freeze()  # Holm's procedure in statsmodels collects garbage on each call: 50 ms over everything imported
    rng = np.random.default_rng([seeds, stream, *scenario.encode()])
    return [SCENARIOS[scenario][0](rng, seeds) for _ in range(studies)]


def measure(scenario: str, seeds: int, rows: list[Row]) -> list[Measured]:
    measured = []
    for quantity in dict.fromkeys(key for row in rows for key in row):
        values = np.array([row[quantity] for row in rows], dtype=float)
        values = values[np.isfinite(values)]
        measured.append(
            Measured(scenario, seeds, quantity, float(values.mean()), float(values.std() / len(values) ** 0.5))
        )
    return measured


def run(
    studies: int, seeds: tuple[int, ...] = SEEDS, jobs: int = 1, scenarios: tuple[str, ...] = tuple(SCENARIOS)
) -> list[Measured]:
    """Simulate `studies` studies (some scenarios fewer, some more) of each scenario at each number of seeds."""
    chunk = max(1, min(200, studies // 4))
    measured = []
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {
            (name, n): [
                pool.submit(simulate, (name, n, chunk, stream))
                for stream in range(math.ceil(studies * SCENARIOS[name][1] / chunk))
            ]
            for name in scenarios
            for n in seeds
        }
        for (name, n), futures in waiting.items():
            measured += measure(name, n, [row for future in futures for row in future.result()])
    return measured


def draw(measured: list[Measured], path: Path) -> None:
    """Draw power over effect size, a line for each number of seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.4), layout="constrained")
    for seeds in sorted({one.seeds for one in measured}):
        points = [one for one in measured if one.seeds == seeds and one.quantity.startswith("power at")]
        axes.plot(
            [float(one.quantity.split()[-1]) for one in points],
            [one.value for one in points],
            "o-",
            label=f"{seeds} seeds",
        )
    axes.axhline(0.8, color="grey", linewidth=0.8)
    axes.set(xlabel="true effect / standard deviation over seeds", ylabel="confirmed", ylim=(0, 1.02))
    axes.legend()
    figure.savefig(path, dpi=150)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "full"), default="full")
    parser.add_argument("--out", type=Path, help="folder for verdicts.json and power.png")
    options = parser.parse_args()
    small = options.size == "small"
    studies, seeds, scenarios, allowed = (200, (5,), SMALL, 3.0) if small else (2000, SEEDS, tuple(SCENARIOS), 2.0)
    start = time.perf_counter()
    measured = run(studies, seeds, os.cpu_count() or 1, scenarios)
    for one in measured:
        mark = "   <-- out of bounds" if one.breaks(allowed) else ""
        print(f"{one.scenario:20} {one.seeds:3} seeds  {one.quantity:48} {one.value:7.4f} +- {one.error:.4f}{mark}")
    print(f"{time.perf_counter() - start:.0f} s")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "verdicts.json").write_text(json.dumps([asdict(one) for one in measured], indent=1) + "\n")
        if not small:
            draw(measured, options.out / "power.png")
    return int(any(one.breaks(allowed) for one in measured))


if __name__ == "__main__":
    sys.exit(main())
