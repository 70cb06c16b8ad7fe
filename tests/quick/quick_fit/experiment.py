"""Gradient descent on polynomial features; the baseline is a curve over the learning rate."""

import argparse
import json
from pathlib import Path

import numpy as np
from quick_fit.data import features, load, save_seed

CONDITIONS = {"lr=0.05": {"lr": 0.05}, "lr=0.1": {"lr": 0.1}, "lr=0.2": {"lr": 0.2}}


def train(x, y, config, seed, progress):
    """Return the weights after config["steps"] steps of mini-batch gradient descent."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(x.shape[1]) * 0.1
    losses = []
    for step in range(config["steps"]):
        batch = rng.integers(0, len(x), 32)
        error = x[batch] @ w - y[batch]
        gradient = 2 * x[batch].T @ error / len(batch)
        w = w - config["lr"] * gradient
        losses.append(float(np.mean(error**2)))
        progress(step + 1, losses[-1])
    return w, {"mean_loss": float(np.mean(losses))}


def main():
    """Train every condition with every seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out_dir", required=True)
    out_dir = parser.parse_args().out_dir
    job = json.loads((Path(out_dir) / "job.json").read_text())
    x, y = load(job["data"]["train"])
    x = features(x, job["profile"]["degree"])
    with (Path(out_dir) / "progress.jsonl").open("a") as log:
        for condition, changes in CONDITIONS.items():
            config = {"steps": job["profile"]["steps"], **changes}
            for seed in job["seeds"]:

                def progress(step, loss, condition=condition, seed=seed):
                    if step % 100 == 0:
                        log.write(json.dumps({"condition": condition, "seed": seed, "step": step, "loss": loss}) + "\n")

                weights, measured = train(x, y, config, seed, progress)
                save_seed(out_dir, condition, seed, weights, config, measured)


if __name__ == "__main__":
    main()
