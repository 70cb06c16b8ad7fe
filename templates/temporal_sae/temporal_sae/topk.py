"""The TopK SAE of Gao et al. (2024), "Scaling and Evaluating Sparse Autoencoders". Settings: k, codes a token."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from temporal_sae.job import Scalar
from temporal_sae.sparse import encode_active
from temporal_sae.training import State

ENCODER_NORM = 1.0  # the decoder's transpose, as in the paper
AUXILIARY = 1 / 32  # the auxiliary loss's weight in the paper

GROUP = 8


def initial_weights(d_in: int, d_sae: int, settings: Mapping[str, Scalar]) -> dict[str, Tensor]:
    """Return k as a weight that is not trained, so that the encoder finds it; ValueError where it can't be one."""
    k = settings.get("k")
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= d_sae:
        raise ValueError(f"the setting k is {k!r}; a TopK SAE needs a whole number from 1 to d_sae = {d_sae}")
    return {"k": torch.tensor(k)}


def encode(x_BTD: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return f (B, T, F): the k largest of (x - b_dec) W_enc + b_enc at each token, as far as positive."""
    k = int(weights["k"])
    return encode_active(x_BTD, weights, lambda pre_NF: largest_per_token(pre_NF, k))


def largest_per_token(pre_NF: Tensor, k: int) -> Tensor:
    """Return the flat positions of each token's k largest values (N * k,).

    They lie in the k groups of 8 features whose largest values are largest: two small rankings, which together take
    two thirds of the time of a large one.
    """
    tokens, features = pre_NF.shape
    groups, rest = divmod(features, GROUP)
    if rest or k > groups:
        feature_NK = pre_NF.topk(k, dim=-1, sorted=False).indices
    else:
        best_NK = pre_NF.view(tokens, GROUP, groups).amax(dim=1).topk(k, dim=-1, sorted=False).indices
        members_G1 = groups * torch.arange(GROUP, device=pre_NF.device)[:, None]
        candidates_NC = (best_NK[:, None] + members_G1).flatten(1)
        chosen_NK = pre_NF.gather(1, candidates_NC).topk(k, dim=-1, sorted=False).indices
        feature_NK = candidates_NC.gather(1, chosen_NK)
    first_N1 = torch.arange(pre_NF.shape[0], device=pre_NF.device)[:, None] * pre_NF.shape[1]
    return (feature_NK + first_N1).flatten()


def penalty(f_BTF: Tensor, x_BTD: Tensor, x_hat_BTD: Tensor, settings: Mapping[str, Scalar], state: State) -> Tensor:
    """Return the auxiliary loss: it gives features that no longer fire a gradient."""
    return AUXILIARY * auxiliary_loss(x_BTD, x_hat_BTD, state)


def auxiliary_loss(x_BTD: Tensor, x_hat_BTD: Tensor, state: State) -> Tensor:
    """Return AuxK: the squared error per dimension with which dead features reconstruct the SAE's own error.

    Of the features in `state.dead` the d_in / 2 (or fewer) with the largest pre-activations are used at each token.
    The error is a constant here. 0 while no feature is dead.
    """
    dead_G = state.dead.nonzero().squeeze(1)
    if not len(dead_G):
        return x_hat_BTD.new_zeros(())
    weights = state.weights
    error_BTD = (x_BTD - x_hat_BTD).detach()
    pre_BTG = torch.relu((x_BTD - weights["b_dec"]) @ weights["W_enc"][:, dead_G] + weights["b_enc"][dead_G])
    largest = pre_BTG.topk(min(x_BTD.shape[-1] // 2, len(dead_G)), dim=-1, sorted=False)
    f_BTG = torch.zeros_like(pre_BTG).scatter(-1, largest.indices, largest.values)
    return torch.nn.functional.mse_loss(f_BTG @ weights["W_dec"][dead_G], error_BTD)
