"""The language model's residual stream after one block, and the form in which it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from temporal_sae.device import choose_device

BATCH = 32
# After scaling, norms are near sqrt(d_in) and the largest is a few times that, far below float16's 65504. Its rounding
# (2^-11 of each value) adds about 1e-7 to a mean squared error of 1e-1 or more, for half of float32's disk and reading;
# bfloat16, of the same size, would round 8 times coarser for a range that scaled activations don't need.
DTYPE = np.float16
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Llama, SmolLM, Mistral, Qwen, Gemma | GPT-NeoX (Pythia), by the names of their blocks and of the norm behind the last.
BLOCKS, FINAL_NORMS = "layers", ("norm", "final_layer_norm")


class ResidualStream:
    """A language model cut off after block `layer` (from 0): `blocks.<layer>.hook_resid_post` in the field's words."""

    def __init__(self, folder: Path, layer: int, device: str = "cpu", dtype: str = "fp32") -> None:
        """Load the model from a plain folder, to compute in fp32 or bf16.

        `device` is cpu, cuda or auto (cuda where there is one). Raises ValueError if the model has no such block, is
        built in another way than those known here, or has no token to start with.
        """
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.device = choose_device(device)
        kind = {"dtype": PRECISIONS[dtype], "local_files_only": True, "use_safetensors": True}
        self.model = AutoModel.from_pretrained(folder, **kind).eval()
        self.tokenizer = load_tokenizer(folder)
        self.start_token = start_token(self.tokenizer, folder)
        blocks, norm = getattr(self.model, BLOCKS, None), _final_norm(self.model)
        if blocks is None or norm is None:
            raise ValueError(f"{folder}: {type(self.model).__name__} has no `{BLOCKS}` with a norm behind them")
        if not 0 <= layer < len(blocks):
            raise ValueError(f"layer {layer}: the model has blocks 0 to {len(blocks) - 1}")
        # Early exit: later blocks are never computed, and the final norm is not part of the residual stream.
        setattr(self.model, BLOCKS, blocks[: layer + 1])
        setattr(self.model, norm, torch.nn.Identity())
        self.model.to(self.device)
        self.d_in = int(self.model.config.hidden_size)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of `text`, without special ones."""
        return encode(self.tokenizer, text)

    @torch.inference_mode()
    def activations(self, tokens_BT: Tensor) -> Tensor:
        """Return activations (B, T, d_in) in float32, on the CPU.

        A start token goes in front and its position is dropped: models put attention sinks of huge norm on the first
        position, which would dominate every squared error.
        """
        first_B1 = torch.full((tokens_BT.shape[0], 1), self.start_token)
        input_ids = torch.cat([first_B1, tokens_BT], dim=1).to(self.device)
        stream = self.model(input_ids=input_ids, use_cache=False)
        return stream.last_hidden_state[:, 1:].float().cpu()


def load_tokenizer(folder: Path) -> object:
    """Return the tokenizer of a plain model folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def encode(tokenizer: object, text: str) -> list[int]:
    """Return the tokens of `text`, without special ones."""
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def start_token(tokenizer: object, folder: Path) -> int:
    """Return the token that begins a text, or the one that ends it where a model has only that (GPT-2's habit)."""
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise ValueError(f"{folder}: the tokenizer names neither a bos_token nor an eos_token; add one to its config")


def compute(
    stream: ResidualStream, tokens_NT: np.ndarray | Sequence[Sequence[int]], report: Callable[[int], None]
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return the activations (N, T, d_in) of N sequences, unscaled; `report` is told how many were just done."""
    tokens = torch.as_tensor(np.asarray(tokens_NT, dtype=np.int64))
    x_NTD = np.empty((*tokens.shape, stream.d_in), dtype=np.float32)
    for start in range(0, len(tokens), BATCH):
        tokens_BT = tokens[start : start + BATCH]
        x_NTD[start : start + BATCH] = stream.activations(tokens_BT).numpy()
        report(len(tokens_BT))
    return x_NTD


def norms(x_NTD: np.ndarray) -> np.ndarray:
    """Return the length (N, T) of each activation."""
    return np.linalg.norm(x_NTD, axis=-1)


def scale_to_unit(norms_NT: np.ndarray, d_in: int) -> float:
    """Return the constant c with mean ||c * x|| = sqrt(d_in) over all tokens (as Templeton et al., 2024, scale)."""
    return float(np.sqrt(d_in) / norms_NT.mean(dtype=np.float64))


def as_stored(x_NTD: np.ndarray, scale: float) -> np.ndarray:
    """Return activations scaled, in the stored type; ValueError if a value doesn't fit into it."""
    with np.errstate(over="ignore"):
        stored = (x_NTD * np.float32(scale)).astype(DTYPE)
    if not np.isfinite(stored).all():
        raise ValueError(f"an activation does not fit into {np.dtype(DTYPE).name}; choose another layer")
    return stored


def hook_name(layer: int) -> str:
    """Return the field's name for the residual stream after block `layer`."""
    return f"blocks.{layer}.hook_resid_post"


def _final_norm(model: torch.nn.Module) -> str | None:
    return next((name for name in FINAL_NORMS if hasattr(model, name)), None)
