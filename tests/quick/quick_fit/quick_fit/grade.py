"""Grade a run from its weights alone."""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

from quick_fit.data import features, load

parser = argparse.ArgumentParser()
for flag in ("--run", "--part", "--out"):
    parser.add_argument(flag, type=Path, required=True)
args = parser.parse_args()
x, y = load(args.part)
seeds = json.loads((args.run / "job.json").read_text())["seeds"]
info = {}
for condition in sorted(path for path in args.run.iterdir() if path.is_dir()):
    folders = [condition / f"seed_{seed}" for seed in seeds]
    weights = [np.load(folder / "weights.npy", allow_pickle=False) for folder in folders]
    measured = [json.loads((folder / "measured.json").read_text()) for folder in folders]
    per_seed = {
        "mse": [float(np.mean((features(x, len(w) - 1) @ w - y) ** 2)) for w in weights],
        "weight_norm": [float(np.linalg.norm(w)) for w in weights],
    }
    info[condition.name] = {
        "means": {name: statistics.fmean(values) for name, values in per_seed.items()},
        "stderrs": {name: statistics.stdev(values) / len(values) ** 0.5 for name, values in per_seed.items()},
        "final_info_dict": per_seed,
        "config": json.loads((folders[0] / "config.json").read_text()),
        "self_reported": {name: [m[name] for m in measured] for name in measured[0]},
    }
(args.out / "final_info.json").write_text(json.dumps(info))
