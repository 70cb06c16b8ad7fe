"""Where a training runs and in which precision: the profile's `device` and `dtype`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

DEVICES = ("cpu", "cuda", "auto")
DTYPES = ("fp32", "bf16")


def choose_device(name: str) -> torch.device:
    """Return the device; `auto` is CUDA where there is one. ValueError for an unknown one, or CUDA where none is."""
    if name not in DEVICES:
        raise ValueError(f"the profile's device is {name!r}; it must be one of {', '.join(DEVICES)}")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("the profile's device is 'cuda', and torch finds no CUDA device here; use 'auto' or 'cpu'")
    return torch.device(name)


def precision(device: torch.device, dtype: str) -> AbstractContextManager[object]:
    """Return the context of encoder and decoder: bf16 products by autocast, or nothing. Weights stay in float32."""
    if dtype not in DTYPES:
        raise ValueError(f"the profile's dtype is {dtype!r}; it must be one of {', '.join(DTYPES)}")
    return torch.autocast(device.type, torch.bfloat16) if dtype == "bf16" else nullcontext()
