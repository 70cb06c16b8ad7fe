"""The BatchTopK SAE of Bussmann et al. (2024), "BatchTopK Sparse Autoencoders". Settings: k, mean codes a token.

In training the k * tokens largest codes of a batch are kept. Afterwards, when a token must not depend on others, a code
is kept where it exceeds a threshold: the running mean of the smallest code that was kept in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from temporal_sae import topk
from temporal_sae.job import Scalar
from temporal_sae.sparse import centred_bias, encode_active

MEMORY = 0.95  # of the running mean: it spans about 20 batches
ENCODER_NORM = topk.ENCODER_NORM
penalty = topk.penalty


def initial_weights(d_in: int, d_sae: int, settings: Mapping[str, Scalar]) -> dict[str, Tensor]:
    """Return k and the threshold, which training estimates and gradients don't touch."""
    return {**topk.initial_weights(d_in, d_sae, settings), "threshold": torch.tensor(0.0)}


def encode(x_BTD: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return f (B, T, F). While the weights are trained the batch decides which codes stay, else the threshold."""
    if not (torch.is_grad_enabled() and weights["W_enc"].requires_grad):
        f_BTF = torch.relu(x_BTD @ weights["W_enc"] + centred_bias(weights))
        return f_BTF * (f_BTF > weights["threshold"])
    count = int(weights["k"]) * x_BTD.shape[0] * x_BTD.shape[1]
    threshold = weights["threshold"]

    def select(pre_NF: Tensor) -> Tensor:
        flat_M = largest_in_batch(pre_NF, count, 0.8 * threshold)
        smallest = pre_NF.flatten()[flat_M].min()
        threshold.copy_(torch.where(threshold > 0, MEMORY * threshold + (1 - MEMORY) * smallest, smallest))
        return flat_M

    return encode_active(x_BTD, weights, select)


def largest_in_batch(pre_NF: Tensor, count: int, guess: Tensor) -> Tensor:
    """Return the flat positions of the `count` largest positive values (fewer, if there are fewer), ascending.

    Where enough values exceed `guess` only these are ranked, which is the same and several times faster.
    """
    flat = pre_NF.flatten()
    candidates_C = (flat > guess).nonzero().squeeze(1)
    if len(candidates_C) < count:
        candidates_C = (flat > 0).nonzero().squeeze(1)
    largest_M = flat[candidates_C].topk(min(count, len(candidates_C)), sorted=False).indices
    return candidates_C[largest_M].sort().values
