"""One part of the data together with what made it: its tokens, and the language model they went through."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from temporal_sae.data import Sequences


class IncompletePartError(Exception):
    """A part's folder lacks something that an evaluation with the language model needs."""


class HeldOut:
    """The activations of a part, `sequences`, and where they come from."""

    def __init__(self, folder: Path) -> None:
        """Read `folder/{x.npy, tokens.npy, meta.json}`; IncompletePartError names the file, the key and what to do."""
        for name in ("x.npy", "tokens.npy", "meta.json"):
            if not (folder / name).is_file():
                raise IncompletePartError(f"{folder / name}: no such file; prepare the profile's data again")
        self.sequences = Sequences(folder)
        self._meta = json.loads((folder / "meta.json").read_text("utf-8"))
        self._file = folder / "meta.json"
        self.tokens_NT = torch.from_numpy(np.load(folder / "tokens.npy", allow_pickle=False).astype(np.int64))
        if tuple(self.tokens_NT.shape) != self.sequences.x_NTD.shape[:2]:
            shapes = f"{tuple(self.tokens_NT.shape)} beside activations {self.sequences.x_NTD.shape}"
            raise IncompletePartError(f"{folder / 'tokens.npy'}: shape {shapes}; prepare the profile's data again")
        self.model = Path(str(self._said("model_folder")))
        if not self.model.is_dir():
            raise IncompletePartError(f"{self.model}: no such folder, though {self._file} names it as model_folder")
        self.model_name = str(self._said("model"))
        self.layer = int(self._said("layer"))
        self.scale = float(self._said("scale"))

    @property
    def hook_name(self) -> str:
        """The field's name of the place in the model that the activations are from."""
        return f"blocks.{self.layer}.hook_resid_post"

    @property
    def model_sha256(self) -> str:
        """The hash of the model's weights, or "unknown"."""
        return str(self._meta.get("model_sha256", "unknown"))

    def unscaled(self, rows: slice) -> Tensor:
        """Return the sequences at `rows` (B, T, D) as the language model made them."""
        return self.sequences.batch(rows) / self.scale

    def _said(self, key: str) -> str | int | float:
        if key not in self._meta:
            raise IncompletePartError(f"{self._file}: no {key!r}; prepare the profile's data again")
        return self._meta[key]
