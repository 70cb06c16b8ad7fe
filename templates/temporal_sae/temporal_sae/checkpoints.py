"""Where a long training goes on after an interruption: one file, written whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch


class Resumable(Protocol):
    """A training as a checkpoint sees it."""

    def snapshot(self) -> dict[str, Any]:
        """Return its state."""

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over a state."""


def checkpoint_path(artefact: Path) -> Path:
    """Return where the training whose result goes to `run_i/<condition>/seed_<s>` keeps its checkpoint."""
    return artefact.parents[1] / "checkpoints" / f"{artefact.parent.name}.{artefact.name}.pt"


def discard(artefact: Path) -> None:
    """Remove the checkpoint of a training whose artefact is saved, and the folder with the last one."""
    path = checkpoint_path(artefact)
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()


class Checkpoint:
    """The checkpoint of one training: `about` says which, with all that its steps depend on."""

    def __init__(self, path: Path, about: Mapping[str, Any], every_s: float) -> None:
        """Write at most once in `every_s` seconds, the first time that long from now."""
        self.path, self.about, self.every_s = path, dict(about), every_s
        self.kept_at = time.monotonic()

    def keep(self, training: Resumable) -> None:
        """Write a checkpoint if it is time."""
        if time.monotonic() - self.kept_at < self.every_s:
            return
        self.path.parent.mkdir(exist_ok=True)
        draft = self.path.with_suffix(".draft")
        torch.save({"about": self.about, "training": training.snapshot()}, draft)
        draft.rename(self.path)
        self.kept_at = time.monotonic()

    def resume(self, training: Resumable) -> None:
        """Let `training` go on from the checkpoint, if there is one of the very same training; no pickle is run."""
        if self.path.is_file():
            kept = torch.load(self.path, weights_only=True, map_location="cpu")
            if kept["about"] == self.about:
                training.restore(kept["training"])
