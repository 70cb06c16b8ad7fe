"""The language model's residual stream after one block, computed once and kept as one array for each part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BATCH = 32
# After scaling, norms are near sqrt(d_in) and the largest is a few times that, far below float16's 65504. Its rounding
# (2^-11 of each value) adds about 1e-7 to a mean squared error of 1e-1 or more, for half of float32's disk and reading.
DTYPE = np.float16


class ResidualStream:
    """A language model cut off after block `layer` (from 0): `blocks.<layer>.hook_resid_post` in the field's words."""

    def __init__(self, folder: Path, layer: int) -> None:
        """Load the model from a plain folder; ValueError if it has no such block."""
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        blocks = len(self.model.layers)
        if not 0 <= layer < blocks:
            raise ValueError(f"layer {layer}: the model has blocks 0 to {blocks - 1}")
        # Early exit: later blocks are never computed, and the final norm is not part of the residual stream.
        self.model.layers = self.model.layers[: layer + 1]
        self.model.norm = torch.nn.Identity()
        self.d_in = int(self.model.config.hidden_size)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of `text`, without special ones."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    @torch.inference_mode()
    def activations(self, tokens_BT: Tensor) -> Tensor:
        """Return activations (B, T, d_in) in float32.

        A start token goes in front and its position is dropped: models put attention sinks of huge norm on the first
        position, which would dominate every squared error.
        """
        first_B1 = torch.full((tokens_BT.shape[0], 1), self.tokenizer.bos_token_id)
        stream = self.model(input_ids=torch.cat([first_B1, tokens_BT], dim=1), use_cache=False)
        return stream.last_hidden_state[:, 1:]


def compute(
    stream: ResidualStream, sequences: list[list[int]], report: Callable[[int], None]
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return the activations (N, T, d_in) of N sequences, unscaled; `report` is told how many were just done."""
    x_NTD = np.empty((len(sequences), len(sequences[0]), stream.d_in), dtype=np.float32)
    for start in range(0, len(sequences), BATCH):
        tokens_BT = torch.tensor(sequences[start : start + BATCH])
        x_NTD[start : start + BATCH] = stream.activations(tokens_BT).numpy()
        report(len(tokens_BT))
    return x_NTD


def scale_to_unit(x_NTD: np.ndarray) -> float:
    """Return the constant c with mean ||c * x|| = sqrt(d_in) over all tokens (as Templeton et al., 2024, scale)."""
    return float(np.sqrt(x_NTD.shape[-1]) / np.linalg.norm(x_NTD, axis=-1).mean(dtype=np.float64))
