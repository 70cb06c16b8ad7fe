"""Train character models by gradient descent: python experiment.py --out_dir=run_i."""

import json
import sys
from pathlib import Path

import numpy as np
from char_model import CHARACTERS, log_probabilities, windows

CONDITIONS = {f"lr={lr:g}": {"context": 1, "lr": lr} for lr in (2.0, 5.0, 10.0)}


def train(text, settings, profile, seed):
    """Return tables (context, V, V) and the last loss, after the profile's steps of mini-batch gradient descent."""
    rng = np.random.default_rng(seed)
    tables = 0.01 * rng.standard_normal((settings["context"], CHARACTERS, CHARACTERS))
    past, following = windows(text, settings["context"])
    for _ in range(profile["steps"]):
        rows = rng.integers(0, len(past), profile["batch"])
        logs, hit = log_probabilities(tables, past[rows]), (np.arange(len(rows)), following[rows])
        slope = np.exp(logs)
        slope[hit] -= 1
        for k, table in enumerate(tables):
            np.add.at(table, past[rows, k], -settings["lr"] * slope / len(rows))
    return tables, -logs[hit].mean()


out_dir = Path(sys.argv[1].removeprefix("--out_dir="))
job = json.loads((out_dir / "job.json").read_text())
for condition, settings in CONDITIONS.items():
    for seed in job["seeds"]:
        folder = out_dir / condition / f"seed_{seed}"
        folder.mkdir(parents=True)
        tables, loss = train(np.load(Path(job["data"]["train"]) / "codes.npy"), settings, job["profile"], seed)
        np.save(folder / "tables.npy", tables)
        with (out_dir / "progress.jsonl").open("a") as progress:
            line = {"condition": condition, "seed": seed, "step": job["profile"]["steps"], "loss": float(loss)}
            progress.write(json.dumps(line) + "\n")
    recorded = {key: job["profile"][key] for key in ("text", "steps", "batch")} | settings
    (out_dir / condition / "config.json").write_text(json.dumps(recorded))
