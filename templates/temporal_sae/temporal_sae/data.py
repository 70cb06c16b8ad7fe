"""One part of the data: the activations of whole sequences, memory-mapped, or streamed where the disk is too small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from temporal_sae.inflow import MARK, Inflow


class Sequences:
    """The sequences of one part, (N, T, d_in); read as float32, a batch at a time.

    Of a streamed part only the first sequences can be had by their rows; `batches` gives all of it.
    """

    def __init__(self, folder: Path) -> None:
        """Map `folder/x.npy`; ValueError if it is not an array of sequences."""
        self.x_NTD = np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
        if self.x_NTD.ndim != 3 or 0 in self.x_NTD.shape:
            raise ValueError(f"{folder / 'x.npy'}: shape {self.x_NTD.shape}, expected (sequences, tokens, d_in)")
        self.inflow = Inflow(folder) if (folder / MARK).is_file() else None

    def __len__(self) -> int:
        return self.inflow.sequences if self.inflow else int(self.x_NTD.shape[0])

    @property
    def context(self) -> int:
        """Tokens of each sequence."""
        return int(self.x_NTD.shape[1])

    @property
    def d_in(self) -> int:
        """Size of one activation."""
        return int(self.x_NTD.shape[2])

    def batch(self, rows: np.ndarray | slice) -> Tensor:
        """Return the sequences at `rows` as (B, T, D) in float32; IndexError for those that are streamed."""
        if self.inflow and np.arange(len(self))[rows].max(initial=0) >= len(self.x_NTD):
            raise IndexError(
                f"only the first {len(self.x_NTD)} sequences lie on the disk; `batches` streams all of them"
            )
        return to_tensor(self.x_NTD[rows])

    def mean(self, sequences: int = 256) -> Tensor:
        """Return the mean activation (D,) over the first few sequences (their order is random already)."""
        return self.batch(slice(0, sequences)).mean(dim=(0, 1))

    def batches(self, size: int, steps: int, seed: int) -> Iterator[Tensor]:
        """Yield `steps` batches of `size` sequences, in an order drawn from `seed`, a new one for each epoch.

        Raises ValueError at once where there are no steps or fewer sequences than one batch.
        """
        if steps < 1 or size < 1:
            raise ValueError(f"{steps} steps of {size} sequences: nothing would be trained")
        if len(self) < size:
            raise ValueError(f"{len(self)} sequences are fewer than one batch of {size}")
        if self.inflow:
            return map(to_tensor, self.inflow.batches(size, steps, seed))
        return map(self.batch, shuffled(len(self), size, steps, seed))


def to_tensor(x_BTD: np.ndarray) -> Tensor:
    """Return stored activations in float32."""
    return torch.from_numpy(x_BTD.astype(np.float32))


def shuffled(sequences: int, size: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the rows of each of `steps` batches, in an order drawn from `seed`, a new one for each epoch."""
    generator = np.random.default_rng(seed)
    order, at = generator.permutation(sequences), 0
    for _ in range(steps):
        if at + size > sequences:
            order, at = generator.permutation(sequences), 0
        # Sorted within the batch, so that the disk is read in one direction; the order there changes no loss.
        yield np.sort(order[at : at + size])
        at += size
