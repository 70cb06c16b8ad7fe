"""The features that runs and grader share."""

import json
from pathlib import Path

import numpy as np


def features(x, degree):
    """Return the powers 0..degree of x, shape (n, degree + 1)."""
    return np.vander(x, degree + 1, increasing=True)


def load(folder):
    """Return x and y of a part."""
    part = np.load(Path(folder) / "part.npz")
    return part["x"], part["y"]


def save_seed(out_dir, condition, seed, weights, config, measured):
    """Leave one seed's artefacts."""
    folder = Path(out_dir) / condition / f"seed_{seed}"
    folder.mkdir(parents=True)
    np.save(folder / "weights.npy", weights)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "measured.json").write_text(json.dumps(measured))
