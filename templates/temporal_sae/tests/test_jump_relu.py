from __future__ import annotations

import pytest
import torch
from temporal_sae import jump_relu

SETTINGS = {"threshold": 1.0, "bandwidth": 0.4}
PRE = [0.5, 0.9, 1.1, 3.0]  # with bandwidth 0.4 the second and third lie near the threshold


def weights() -> dict[str, torch.Tensor]:
    tensors = {"W_enc": torch.eye(4), "b_enc": torch.zeros(4), "b_dec": torch.zeros(4)}
    trained = {name: tensor.requires_grad_() for name, tensor in tensors.items()}
    return {**trained, **jump_relu.initial_weights(4, 4, SETTINGS)}


def test_codes_jump_at_the_threshold() -> None:
    f_BTF = jump_relu.encode(torch.tensor([[PRE]]), weights())
    assert f_BTF.flatten().tolist() == pytest.approx([0.0, 0.0, 1.1, 3.0])


def test_gradients_are_the_papers_pseudo_derivatives() -> None:
    given = weights()
    f_BTF = jump_relu.encode(torch.tensor([[PRE]]), given)
    upstream = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    threshold, bias = torch.autograd.grad(f_BTF, [given["log_threshold"], given["b_enc"]], upstream)
    # d f / d theta = -(theta / eps) inside the rectangle; d theta / d log theta = theta = 1
    assert threshold.tolist() == pytest.approx([0.0, -2.0 / 0.4, -3.0 / 0.4, 0.0])
    assert bias.tolist() == pytest.approx([0.0, 0.0, 3.0, 4.0])


def test_l0_counts_active_codes_and_moves_thresholds_alone() -> None:
    given = weights()
    x_BTD = torch.tensor([[PRE, [0.0, 0.0, 0.0, 1.15]]])
    l0 = jump_relu.l0_norm(jump_relu.encode(x_BTD, given))
    assert l0.item() == 1.5
    threshold, bias = torch.autograd.grad(l0, [given["log_threshold"], given["b_enc"]], allow_unused=True)
    assert threshold.tolist() == pytest.approx([0.0, -1 / 0.4 / 2, -1 / 0.4 / 2, -1 / 0.4 / 2])
    assert bias is None


def test_the_penalty_has_a_weight_and_maybe_a_target() -> None:
    f_BTF = jump_relu.encode(torch.tensor([[PRE]]), weights())
    given = (f_BTF, f_BTF, f_BTF)
    assert jump_relu.penalty(*given, {"l0_weight": 0.5}, None).item() == pytest.approx(1.0)
    steered = jump_relu.penalty(*given, {"l0_weight": 0.5, "l0_target": 4}, None)
    assert steered.item() == pytest.approx(0.5 * 0.25)


def test_codes_that_were_changed_have_no_l0_of_their_own() -> None:
    with pytest.raises(ValueError, match="exactly as jump_relu.encode returned them"):
        jump_relu.l0_norm(2 * jump_relu.encode(torch.tensor([[PRE]]), weights()))


def test_thresholds_and_bandwidth_are_positive() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        jump_relu.initial_weights(4, 4, {"threshold": 0.0})
