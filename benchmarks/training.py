"""Training tokens per second by type of SAE: ours, dictionary-learning 0.1.0 and sae-lens 6.54, in fp32.

    python3.11 -m venv .envs/benchmarks
    .envs/benchmarks/bin/pip install -r benchmarks/requirements.txt && .envs/benchmarks/bin/pip uninstall -y torchvision
    .envs/benchmarks/bin/python benchmarks/training.py [--types topk,...] [--figure FILE]    (--help has the rest)

(torchvision comes with a dependency, is not used, and breaks an import where it doesn't fit the torch build.)

All trainers of a type take the same steps on the same batches in one process, a few steps each in turn, so that other
work on the machine slows all of them alike. Speeds are medians over turns; a ratio is the median over turns of ours to
the better of the two in the same turn, with its quartiles. On a busy machine `--threads 1 --clock cpu` counts the
process's own time instead of the wall clock's. Equal quality: each type's loss, computed by one formula on a batch that
none was trained on, after the same steps, each trainer at the learning rate of the three in `RATES` that gives it the
lowest loss (`--sweep` prints them all). `--bf16` adds each trainer under autocast, for "each at its best": it pays only
where the processor multiplies in bf16, and is left out by default where not. The share of the peak counts the six dense
products of an L1 SAE's step for every type, against the best of a few plain products of the encoder's shape.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import benchmark_rivals as rivals
import numpy as np
import torch
from benchmark_rivals import LEARNING_RATES, TYPES, Contender, Plan
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
TURN = 2
BF16 = ", bf16"
GREYS = ("#1b4f8a", "#e08214", "#c9c9c9")  # they differ in print without colour, too
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Clock = Callable[[], float]


@dataclass
class Result:
    """One type of SAE: for each contender tokens/s in each turn, and the loss and L0 at the end."""

    speeds: dict[str, list[float]]
    losses: dict[str, tuple[float, float]]

    def ratios(self, names: Iterable[str]) -> list[float]:
        """Return, turn by turn, the speed of our fastest of these contenders over that of the fastest rival."""
        ranked = sorted(names, key=lambda name: -statistics.median(self.speeds[name]))
        ours = next(name for name in ranked if name.startswith("ours"))
        rival = next(name for name in ranked if not name.startswith("ours"))
        return [one / other for one, other in zip(self.speeds[ours], self.speeds[rival], strict=True)]

    def loss_above_the_lower(self) -> float:
        """Return by which part our loss is above the lower of the rivals'; it is negative where ours is lower."""
        return self.losses["ours"][0] / min(self.losses[name][0] for name in rivals.MAKERS if name != "ours") - 1


def main() -> None:
    """Measure, print the table, and draw the figure where one is asked for."""
    parser = argparse.ArgumentParser(description="Training tokens per second.")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--bf16", action="store_true", help="each trainer under autocast, too")
    parser.add_argument("--sweep", action="store_true", help="only the losses at each of three learning rates")
    parser.add_argument("--data", type=Path, help="a part's folder with x.npy; by default the largest in .cache")
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    plan, clock = Plan(given.steps), CLOCKS[given.clock]
    batches = read_batches(given.data or largest_part(), plan)
    kinds = given.types.split(",")
    if given.sweep:
        sweep(kinds, batches, plan)
        return
    peak = matmul_peak(plan, clock)
    print(f"{given.threads} threads, {given.clock} clock; products of the encoder's shape: {peak / 1e9:.0f} GFLOP/s")
    print(f"{'type':12}{'trainer':26}{'tokens/s':>10}{'quartiles':>18}{'rate':>8}{'loss':>10}{'L0':>8}{'of peak':>9}")
    results = {}
    for kind in kinds:
        results[kind] = measure(contenders(kind, batches[0], plan, given.bf16), batches, plan, clock)
        print_result(kind, results[kind], plan, peak)
    if given.figure:
        draw(results, given.figure)


def contenders(kind: str, first_ND: Tensor, plan: Plan, bf16: bool) -> dict[str, Contender]:
    """Return the trainers of a type, each at its learning rate; with `bf16` a second time under autocast."""
    made = {}
    for name, make in rivals.MAKERS.items():
        own = replace(plan, learning_rate=LEARNING_RATES[kind][name])
        made[name] = make(kind, own, first_ND)
        if bf16:
            made[name + BF16] = make(kind, own, first_ND).in_bf16()
    return made


def sweep(kinds: list[str], batches: list[Tensor], plan: Plan) -> None:
    """Print each trainer's final loss at each learning rate."""
    for kind, (name, make), rate in itertools.product(kinds, rivals.MAKERS.items(), rivals.RATES):
        contender = make(kind, replace(plan, learning_rate=rate), batches[0])
        for step in range(plan.steps):
            contender.step(step, batches[step % (len(batches) - 1)])
        loss, l0 = contender.loss(batches[-1])
        print(f"{kind:12}{name:22}{rate:8g}{loss:10.4f}{l0:8.1f}", flush=True)


def measure(trainers: dict[str, Contender], batches: list[Tensor], plan: Plan, clock: Clock) -> Result:
    """Train all contenders in turns. The first turn warms up and is not counted."""
    speeds: dict[str, list[float]] = {name: [] for name in trainers}
    for start in range(0, plan.steps, TURN):
        for name, contender in trainers.items():
            began = clock()
            for step in range(start, start + TURN):
                contender.step(step, batches[step % (len(batches) - 1)])
            if start:
                speeds[name].append(TURN * plan.tokens / (clock() - began))
    return Result(speeds, {name: contender.loss(batches[-1]) for name, contender in trainers.items()})


def print_result(kind: str, result: Result, plan: Plan, peak: float) -> None:
    """Print one type's rows and the ratios."""
    for name, speeds in result.speeds.items():
        low, middle, high = statistics.quantiles(speeds, n=4)
        loss, l0 = result.losses[name]
        rate, share = LEARNING_RATES[kind][name.removesuffix(BF16)], middle * 12 * plan.d_in * plan.d_sae / peak
        print(f"{kind:12}{name:26}{middle:10.0f}{low:9.0f}-{high:<8.0f}{rate:8g}{loss:10.4f}{l0:8.1f}{share:9.0%}")
    halves = [[name for name in result.speeds if name.endswith(BF16) == bf16] for bf16 in (False, True)]
    compared = {"fp32": halves[0]} | ({"bf16": halves[1], "each at its best": list(result.speeds)} if halves[1] else {})
    for words, names in compared.items():
        low, middle, high = statistics.quantiles(result.ratios(names), n=4)
        print(f"{kind:12}ours over the faster rival, {words}: {middle:.2f} ({low:.2f} to {high:.2f})")
    print(f"{kind:12}our loss beside the lower of the rivals': {result.loss_above_the_lower():+.1%}", flush=True)


def matmul_peak(plan: Plan, clock: Clock) -> float:
    """Return FLOP/s of the fastest of some products (tokens, d_in) x (d_in, d_sae)."""
    x, W = torch.randn(plan.tokens, plan.d_in), torch.randn(plan.d_in, plan.d_sae)
    return 2 * plan.tokens * plan.d_in * plan.d_sae / min(seconds(lambda: x @ W, clock) for _ in range(30))


def seconds(run: Callable[[], object], clock: Clock) -> float:
    """Return how long one call takes."""
    began = clock()
    run()
    return clock() - began


def largest_part() -> Path | None:
    """Return the train part with the most activations that there is, if any."""
    found = (ROOT / ".cache" / "temporal_sae" / "activations").glob("*/train/x.npy")
    return max((path.parent for path in found), key=lambda part: (part / "x.npy").stat().st_size, default=None)


def read_batches(folder: Path | None, plan: Plan) -> list[Tensor]:
    """Return batches (tokens, d_in) of shuffled tokens, or random ones; the last is for the final loss."""
    generator = np.random.default_rng(0)
    count = (plan.steps + 1) * plan.tokens
    if folder is None:
        print("no activations in .cache: batches are random, and the losses mean nothing")
        return list(torch.from_numpy(generator.standard_normal((count, plan.d_in), np.float32)).split(plan.tokens))
    x_ND = np.load(folder / "x.npy", mmap_mode="r").reshape(-1, plan.d_in)
    chosen = np.sort(generator.permutation(len(x_ND))[:count])
    mixed_ND = x_ND[chosen].astype(np.float32)[generator.permutation(len(chosen))]
    return list(torch.from_numpy(mixed_ND).split(plan.tokens))


def draw(results: dict[str, Result], path: Path) -> None:
    """Draw median speeds with quartiles, a group of bars for each type."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    for offset, name in enumerate(rivals.MAKERS):
        quartiles = np.array([statistics.quantiles(result.speeds[name], n=4) for result in results.values()]) / 1e3
        low, middle, high = quartiles.T
        at = np.arange(len(results)) + 0.27 * (offset - 1)
        axes.bar(at, middle, 0.25, yerr=(middle - low, high - middle), capsize=2, color=GREYS[offset], label=name)
    axes.set_xticks(range(len(results)), [kind.replace("_", " ") for kind in results])
    axes.set_ylabel("thousand tokens / s")
    axes.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
