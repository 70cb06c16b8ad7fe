"""Explained variance over L0 by type of SAE, on the cpu profile's activations of SmolLM2-135M.

    OMP_WAIT_POLICY=PASSIVE PYTHONPATH=templates/temporal_sae \\
        .envs/temporal_sae/bin/python benchmarks/architectures.py [--seeds 3] [--figure docs/architectures.png]

Each type is trained at four strengths of its penalty (or four k) by the template's own trainer, on the train part that
`.cache/temporal_sae` holds, and measured on the test part; the means over seeds are printed with the ranges. Learning
rate and clipping are those of the template's experiment for the standard type; the others do better with smaller ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from temporal_sae import architectures
from temporal_sae.data import Sequences
from temporal_sae.metrics import Totals
from temporal_sae.sae import SparseAutoencoder
from temporal_sae.temporal import mean_squared_error
from temporal_sae.training import Recipe, State, Training
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
STEPS, BATCH, D_SAE = 200, 16, 1152  # those of the cpu profile
SETTINGS: dict[str, list[dict[str, float]]] = {
    "standard": [{"l1": l1} for l1 in (0.0006, 0.001, 0.0016, 0.0025)],
    "topk": [{"k": k} for k in (16, 32, 64, 128)],
    "batch_topk": [{"k": k} for k in (16, 32, 64, 128)],
    # Thresholds move little in so few steps: they start near where the target wants them.
    "jump_relu": [
        {"l0_weight": 1.0, "threshold": threshold, "l0_target": target}
        for threshold, target in ((1.0, 16), (0.8, 32), (0.5, 64), (0.3, 128))
    ],
}
RATE_AND_CLIP = {
    "standard": (1e-2, 1.0),
    "topk": (3e-3, 0.002),
    "batch_topk": (3e-3, 0.002),
    "jump_relu": (3e-3, 0.002),
}
LOOK = {
    "standard": ("#1b4f8a", "o"),
    "topk": ("#e08214", "s"),
    "batch_topk": ("#8c510a", "^"),
    "jump_relu": ("#5aae61", "D"),
}


@dataclass(frozen=True)
class Point:
    """One setting of one type: per seed, L0 and explained variance."""

    kind: str
    settings: Mapping[str, float]
    l0: list[float]
    explained_variance: list[float]


def main() -> None:
    """Train, print the table, and draw the figure where one is asked for."""
    parser = argparse.ArgumentParser(description="Explained variance over L0.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="a folder with train and test; by default the largest in .cache")
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    folder = given.data or largest()
    about = json.loads((folder / "train" / "meta.json").read_text("utf-8"))
    print(f"{len(Sequences(folder / 'train'))} sequences, layer {about.get('layer', 'unknown')}, {given.seeds} seeds")
    print(f"{'type':12}{'setting':18}{'L0':>8}{'range':>16}{'explained variance':>20}{'range':>18}")
    points = []
    for point in measured(folder, given.seeds):
        points.append(point)
        *_, setting = (f"{name}={value:g}" for name, value in point.settings.items())
        l0, ev = point.l0, point.explained_variance
        print(
            f"{point.kind:12}{setting:18}{statistics.mean(l0):8.1f}{min(l0):9.1f} -{max(l0):6.1f}"
            f"{statistics.mean(ev):20.4f}{min(ev):10.4f} -{max(ev):7.4f}",
            flush=True,
        )
    if given.figure:
        draw(points, given.figure)


def largest() -> Path:
    """Return the stored activations with the most sequences; exits where there are none."""
    found = list((ROOT / ".cache" / "temporal_sae" / "activations").glob("*/train/x.npy"))
    if not found:
        sys.exit("no activations in .cache/temporal_sae: run `python launch.py --idea adaptive_temporal_sae` first")
    return max(found, key=lambda path: path.stat().st_size).parent.parent


def measured(folder: Path, seeds: int) -> Iterator[Point]:
    """Yield every setting of every type, trained with each seed."""
    train, test = Sequences(folder / "train"), Sequences(folder / "test")
    for kind, several in SETTINGS.items():
        for settings in several:
            scores = [scored(kind, settings, seed, train, test) for seed in range(seeds)]
            yield Point(kind, settings, [totals.l0() for totals in scores], [variance(totals) for totals in scores])


def scored(kind: str, settings: Mapping[str, float], seed: int, train: Sequences, test: Sequences) -> Totals:
    """Train one SAE and return the sums that its metrics are computed from."""
    training = start(kind, settings, seed, train)
    for x_BTD in train.batches(BATCH, STEPS, seed):
        training.step(x_BTD)
    return totals_of(training.sae, getattr(architectures, kind), test)


def start(kind: str, settings: Mapping[str, float], seed: int, train: Sequences) -> Training:
    """Return an SAE before its first step, with the recipe of the template's experiment."""
    import experiment

    architecture = getattr(architectures, kind)

    def loss(f: Tensor, x: Tensor, x_hat: Tensor, settings: Mapping[str, float], state: State) -> Tensor:
        return mean_squared_error(x, x_hat) + architecture.penalty(f, x, x_hat, settings, state)

    rate, clip_norm = RATE_AND_CLIP[kind]
    numbers = (rate, experiment.WARMUP, experiment.DECAY, clip_norm, experiment.DEAD_AFTER, experiment.RESAMPLE_EVERY)
    recipe = Recipe(architecture, architecture.encode, loss, experiment.extra_weights, *numbers)
    torch.manual_seed(seed)
    extra = architecture.initial_weights(train.d_in, D_SAE, settings)
    sae = SparseAutoencoder(train.d_in, D_SAE, train.mean(), extra, architecture.ENCODER_NORM)
    return Training(sae, recipe, State(settings, steps=STEPS), {})


@torch.no_grad()
def totals_of(sae: SparseAutoencoder, architecture: object, test: Sequences) -> Totals:
    """Return the sums over all sequences of a part."""
    totals, mean_D = Totals(), test.batch(slice(None)).mean(dim=(0, 1))
    for row in range(len(test)):
        x_BTD = test.batch(slice(row, row + 1))
        f_BTF = architecture.encode(x_BTD, sae.weights())
        totals.add(x_BTD[0], sae.decode(f_BTF)[0], f_BTF[0], mean_D)
    return totals


def variance(totals: Totals) -> float:
    """Return the explained variance, which activations always have."""
    explained = totals.explained_variance()
    assert explained is not None
    return explained


def draw(points: list[Point], path: Path) -> None:
    """Draw a line for each type, means over seeds with their ranges."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    for kind, (colour, marker) in LOOK.items():
        own = [point for point in points if point.kind == kind]
        own.sort(key=lambda point: statistics.mean(point.l0))
        l0, ev = (np.array([getattr(point, name) for point in own]) for name in ("l0", "explained_variance"))
        spreads = [(abs(values.mean(1) - values.min(1)), values.max(1) - values.mean(1)) for values in (l0, ev)]
        look = {"color": colour, "marker": marker, "markersize": 4, "capsize": 2, "linewidth": 1}
        axes.errorbar(l0.mean(1), ev.mean(1), xerr=spreads[0], yerr=spreads[1], label=kind.replace("_", " "), **look)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("active features per token (L0)")
    axes.set_ylabel("explained variance, test part")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=160)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "templates" / "temporal_sae"))
    main()
