"""The standard SAE with an L1 penalty of Bricken et al. (2023), "Towards Monosemanticity". Settings: l1."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from temporal_sae.job import Scalar
from temporal_sae.sparse import centred_bias
from temporal_sae.temporal import l1_norm
from temporal_sae.training import State

ENCODER_NORM = 0.1  # Conerly et al. (2024), "Update on How We Train SAEs": codes start small, and grow where they pay


def initial_weights(d_in: int, d_sae: int, settings: Mapping[str, Scalar]) -> dict[str, Tensor]:
    """Return no weight beyond the usual four."""
    return {}


def encode(x_BTD: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return f = ReLU((x - b_dec) W_enc + b_enc) (B, T, F)."""
    return torch.relu(x_BTD @ weights["W_enc"] + centred_bias(weights))


def penalty(f_BTF: Tensor, x_BTD: Tensor, x_hat_BTD: Tensor, settings: Mapping[str, Scalar], state: State) -> Tensor:
    """Return l1 times the L1 norm of a token's codes."""
    return settings["l1"] * l1_norm(f_BTF)
