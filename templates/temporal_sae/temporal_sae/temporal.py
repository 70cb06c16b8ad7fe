"""What changes from one token to the next."""

from __future__ import annotations

import torch
from torch import Tensor


def temporal_difference(f_BTF: Tensor) -> Tensor:
    """Return f_t - f_{t-1} (B, T, F); before a sequence's first token the state is zero, so the first is f_1 itself."""
    return f_BTF - torch.nn.functional.pad(f_BTF, (0, 0, 1, 0))[:, :-1]


def l1_norm(f_BTF: Tensor) -> Tensor:
    """Return sum_i |f_i|, averaged over tokens: a scalar."""
    return f_BTF.abs().sum(dim=-1).mean()


def mean_squared_error(x_BTD: Tensor, x_hat_BTD: Tensor) -> Tensor:
    """Return (x - x_hat)^2 averaged over tokens and dimensions: a scalar."""
    return torch.nn.functional.mse_loss(x_hat_BTD, x_BTD)
