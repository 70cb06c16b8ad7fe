"""Draw the four parts of the data."""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
for flag in ("--profile", "--cache", "--out"):
    parser.add_argument(flag, type=Path, required=True)
args = parser.parse_args()
samples = json.loads(args.profile.read_text())["samples"]
parts = {}
for index, part in enumerate(("train", "tune", "dev", "test")):
    folder = args.cache / f"samples_{samples}" / part
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(index)
    x = rng.uniform(-1, 1, samples)
    # Another idea may be reading the same part: it sees the old file or the new one, never half of one.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        np.savez(Path(scratch) / "part.npz", x=x, y=np.sin(3 * x) + 0.1 * rng.standard_normal(samples))
        (Path(scratch) / "part.npz").replace(folder / "part.npz")
    parts[part] = str(folder)
(args.out / "parts.json").write_text(json.dumps({"key": f"samples_{samples}", "parts": parts}))
