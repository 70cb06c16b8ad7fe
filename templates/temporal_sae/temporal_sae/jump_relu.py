"""The JumpReLU SAE of Rajamanoharan et al. (2024), "Jumping Ahead".

Settings: l0_weight; l0_target, if the mean number of active codes is to be steered to a value; and, seldom, the
starting `threshold` and the `bandwidth` of the pseudo-derivatives. The paper's 0.001 for both is for activations of
mean squared norm 1 and billions of tokens; here a direction sees values of standard deviation near 1, and few steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from temporal_sae.job import Scalar
from temporal_sae.sparse import centred_bias
from temporal_sae.training import State

ENCODER_NORM = 1.0  # the decoder's transpose, as in the paper
THRESHOLD = 1.0
BANDWIDTH = 0.5


def initial_weights(d_in: int, d_sae: int, settings: Mapping[str, Scalar]) -> dict[str, Tensor]:
    """Return the logarithms of the thresholds, which are trained, and the bandwidth, which is not."""
    threshold, bandwidth = (float(settings.get(*pair)) for pair in (("threshold", THRESHOLD), ("bandwidth", BANDWIDTH)))
    if not (threshold > 0 and bandwidth > 0):
        raise ValueError(f"threshold {threshold} and bandwidth {bandwidth} of a JumpReLU SAE must be positive")
    log_threshold_F = torch.full((d_sae,), threshold).log()
    return {"log_threshold": log_threshold_F.requires_grad_(), "bandwidth": torch.tensor(bandwidth)}


def encode(x_BTD: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return f = z H(z - threshold) with z = (x - b_dec) W_enc + b_enc (B, T, F), in float32."""
    pre_BTF = (x_BTD @ weights["W_enc"] + centred_bias(weights)).float()
    return _JumpReLU.apply(pre_BTF, weights["log_threshold"], weights["bandwidth"])


def penalty(f_BTF: Tensor, x_BTD: Tensor, x_hat_BTD: Tensor, settings: Mapping[str, Scalar], state: State) -> Tensor:
    """Return l0_weight times the L0 of a token, or with l0_target, times (L0 / l0_target - 1)^2."""
    l0 = l0_norm(f_BTF)
    target = settings.get("l0_target")
    return settings["l0_weight"] * (l0 if target is None else (l0 / target - 1).square())


def l0_norm(f_BTF: Tensor) -> Tensor:
    """Return the mean number of active codes of a token, with a pseudo-derivative for the thresholds.

    ValueError where the codes are not as `encode` returned them: their pre-activations are needed.
    """
    made = f_BTF.grad_fn
    if not hasattr(made, "pre_BTF"):
        raise ValueError("l0_norm needs the codes exactly as jump_relu.encode returned them, in training")
    return _ActiveCodes.apply(made.pre_BTF, made.log_threshold_F, made.bandwidth)


class _JumpReLU(Function):
    """z H(z - theta). d/dtheta is taken to be -(theta / eps) K((z - theta) / eps), K the rectangle on +-1/2."""

    @staticmethod
    def forward(ctx: FunctionCtx, pre_BTF: Tensor, log_threshold_F: Tensor, bandwidth: Tensor) -> Tensor:
        f_BTF = torch.where(pre_BTF > log_threshold_F.exp(), pre_BTF, 0.0)
        ctx.pre_BTF, ctx.log_threshold_F, ctx.bandwidth = pre_BTF.detach(), log_threshold_F, bandwidth
        ctx.save_for_backward(f_BTF)
        return f_BTF

    @staticmethod
    def backward(ctx: FunctionCtx, grad_BTF: Tensor) -> tuple[Tensor | None, ...]:
        (f_BTF,) = ctx.saved_tensors
        threshold_F = ctx.log_threshold_F.detach().exp()
        near_BTF = _near(ctx.pre_BTF, threshold_F, ctx.bandwidth)
        grad_threshold_F = -(threshold_F / ctx.bandwidth) * (near_BTF * grad_BTF).sum(dim=(0, 1))
        return grad_BTF * (f_BTF != 0), threshold_F * grad_threshold_F, None


class _ActiveCodes(Function):
    """The mean over tokens of sum H(z - theta), whose derivative by theta is taken to be -(1 / eps) K(...)."""

    @staticmethod
    def forward(ctx: FunctionCtx, pre_BTF: Tensor, log_threshold_F: Tensor, bandwidth: Tensor) -> Tensor:
        threshold_F = log_threshold_F.exp()
        ctx.save_for_backward(pre_BTF, threshold_F, bandwidth)
        return (pre_BTF > threshold_F).sum() / (pre_BTF.shape[0] * pre_BTF.shape[1])

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        pre_BTF, threshold_F, bandwidth = ctx.saved_tensors
        share_F = _near(pre_BTF, threshold_F, bandwidth).sum(dim=(0, 1)) / (pre_BTF.shape[0] * pre_BTF.shape[1])
        return None, -grad * threshold_F / bandwidth * share_F, None


def _near(pre_BTF: Tensor, threshold_F: Tensor, bandwidth: Tensor) -> Tensor:
    return (pre_BTF - threshold_F).abs_() < bandwidth / 2
