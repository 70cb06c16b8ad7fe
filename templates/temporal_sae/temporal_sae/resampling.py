"""Features that no longer fire start anew, after Bricken et al. (2023), "Towards Monosemanticity"."""

from __future__ import annotations

import torch
from torch import Tensor

from temporal_sae.sae import SparseAutoencoder

ENCODER_SCALE = 0.2  # of the living features' mean norm, as in the paper


@torch.no_grad()
def draw_inputs(x_BTD: Tensor, error_BTD: Tensor, count: int) -> Tensor:
    """Return `count` different inputs (fewer, if the batch has fewer) drawn with chances as their squared losses.

    A token's loss is its squared error; torch's global generator of the CPU draws, on whatever device the tokens are.
    """
    chance_N = error_BTD.flatten(0, 1).square().sum(dim=-1).square().cpu()
    count = min(count, int((chance_N > 0).sum()))
    if not count:
        return x_BTD.new_zeros(0, x_BTD.shape[-1])
    return x_BTD.flatten(0, 1)[torch.multinomial(chance_N, count).to(x_BTD.device)]


@torch.no_grad()
def replace_features(
    sae: SparseAutoencoder, optimiser: torch.optim.Optimizer, dead_G: Tensor, inputs_GD: Tensor
) -> None:
    """Point each feature of `dead_G` at one of the inputs, x - b_dec, and let Adam forget what it knew of it.

    Its direction becomes the input at norm 1; its encoder the same at a fifth of the living features' mean norm; its
    bias 0. Further weights with one value for each feature, such as thresholds, take the living features' mean.
    """
    living_F = torch.ones(sae.W_dec.shape[0], dtype=torch.bool, device=dead_G.device).index_fill_(0, dead_G, False)
    if not len(dead_G) or not living_F.any():
        return
    directions_GD = torch.nn.functional.normalize(inputs_GD, dim=-1)
    for name, weight in sae.named_parameters():
        if name == "W_enc_FD":
            weight[dead_G] = ENCODER_SCALE * weight[living_F].norm(dim=1).mean() * directions_GD
        elif name == "W_dec":
            weight[dead_G] = directions_GD
        elif weight.shape == living_F.shape:
            weight[dead_G] = 0.0 if name == "b_enc" else weight[living_F].mean()
        else:
            continue
        for key, moment in optimiser.state.get(weight, {}).items():
            if key.startswith("exp_avg"):
                moment[dead_G] = 0.0
