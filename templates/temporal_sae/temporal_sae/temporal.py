"""What changes from one token to the next, and what keeps it from changing. Nothing here looks at a later token."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import torch
from torch import Tensor


def temporal_difference(f_BTF: Tensor) -> Tensor:
    """Return f_t - f_{t-1} (B, T, F); before a sequence's first token the state is zero, so the first is f_1 itself."""
    return f_BTF - torch.nn.functional.pad(f_BTF, (0, 0, 1, 0))[:, :-1]


def adjacent_change(f_BTF: Tensor) -> Tensor:
    """Return sum_i |f_t - f_{t-1}|, averaged over tokens: a scalar, to be multiplied by a fixed or adaptive weight."""
    return l1_norm(temporal_difference(f_BTF))


def adaptive_weight(loss: Tensor, memory: MutableMapping[str, Any], beta: float, decay: float = 0.99) -> Tensor:
    """Return sigmoid(beta * (L_max - L)), a scalar in [1/2, 1) without gradient: the lower the loss, the larger.

    L_max is a moving maximum, L_max <- max(L, decay * L_max + (1 - decay) * L), which starts at the first loss and
    lives in `memory["loss_max"]`: pass a training's own `state.memory`.
    """
    current = loss.detach()
    memory["loss_max"] = torch.maximum(current, decay * memory.get("loss_max", current) + (1 - decay) * current)
    return torch.sigmoid(beta * (memory["loss_max"] - current))


def window_change(f_BTF: Tensor, window: int) -> Tensor:
    """Return sum_i |f_t - mean of f over the `window` tokens before t|, averaged over tokens: a scalar.

    Before a sequence's first token the state is zero, so that window 1 is `adjacent_change`. ValueError for less.
    """
    _require_window(window)
    past_BTF = torch.nn.functional.pad(f_BTF, (0, 0, window, 0)).cumsum(dim=1)
    before_BTF = torch.nn.functional.pad(past_BTF, (0, 0, 1, 0))
    tokens = f_BTF.shape[1]
    mean_BTF = (before_BTF[:, window : window + tokens] - before_BTF[:, :tokens]) / window
    return l1_norm(f_BTF - mean_BTF)


def initial_kernel(window: int, d_in: int) -> Tensor:
    """Return a kernel (window, d_in) that passes the present token and ignores the past. ValueError below 1."""
    _require_window(window)
    return torch.cat([torch.zeros(window - 1, d_in), torch.ones(1, d_in)])


def causal_convolution(x_BTD: Tensor, kernel_WD: Tensor) -> Tensor:
    """Return sum_w kernel[w] * x_{t - (W - 1) + w} (B, T, D): each dimension mixes its own last W values.

    The buffer of past activations is zero before a sequence's first token; the kernel's last row is for token t. For
    an encoder that sees context: encode `causal_convolution(x_BTD, weights["kernel"])`, with
    `{"kernel": initial_kernel(4, d_in)}` from `extra_weights`.
    """
    window = kernel_WD.shape[0]
    padded_BTD = torch.nn.functional.pad(x_BTD, (0, 0, window - 1, 0))
    tokens = x_BTD.shape[1]
    return sum((padded_BTD[:, w : w + tokens] * kernel_WD[w] for w in range(window)), torch.zeros_like(x_BTD))


def l1_norm(f_BTF: Tensor) -> Tensor:
    """Return sum_i |f_i|, averaged over tokens: a scalar."""
    return f_BTF.abs().sum(dim=-1).mean()


def mean_squared_error(x_BTD: Tensor, x_hat_BTD: Tensor) -> Tensor:
    """Return (x - x_hat)^2 averaged over tokens and dimensions: a scalar."""
    return torch.nn.functional.mse_loss(x_hat_BTD, x_BTD)


def _require_window(window: int) -> None:
    if window < 1:
        raise ValueError(f"a window of {window} tokens; it must be 1 or more")
