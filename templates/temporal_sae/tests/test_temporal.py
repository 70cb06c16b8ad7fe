from __future__ import annotations

import pytest
import torch
from temporal_sae.temporal import (
    adaptive_weight,
    adjacent_change,
    causal_convolution,
    initial_kernel,
    l1_norm,
    mean_squared_error,
    temporal_difference,
    window_change,
)


def test_state_before_the_first_token_is_zero_in_every_sequence() -> None:
    f_BTF = torch.tensor([[[1.0], [4.0], [2.0]], [[7.0], [7.0], [0.0]]])
    assert temporal_difference(f_BTF).tolist() == [[[1.0], [3.0], [-2.0]], [[7.0], [0.0], [-7.0]]]


def test_l1_norm_sums_features_and_averages_tokens() -> None:
    assert l1_norm(torch.tensor([[[1.0, -2.0], [0.0, 5.0]]])).item() == 4.0


def test_squared_error_is_per_dimension() -> None:
    assert mean_squared_error(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[1.0, 5.0]]])).item() == 4.5


def test_adjacent_change_is_the_l1_norm_of_the_difference_per_token() -> None:
    assert adjacent_change(torch.tensor([[[1.0], [4.0], [2.0]]])).item() == pytest.approx(6 / 3)


def test_an_adaptive_weight_follows_the_rule_and_carries_no_gradient() -> None:
    memory: dict[str, object] = {}
    losses = [torch.tensor(value, requires_grad=True) for value in (2.0, 1.0, 3.0)]
    weights = [adaptive_weight(loss, memory, beta=5.0) for loss in losses]
    assert weights[0].item() == weights[2].item() == 0.5
    assert weights[1].item() == pytest.approx(1 / (1 + torch.tensor(-5.0 * 0.99).exp().item()))
    assert not any(weight.requires_grad for weight in weights)
    assert memory["loss_max"].item() == 3.0


def test_a_window_change_compares_with_the_mean_of_the_tokens_before() -> None:
    f_BTF = torch.tensor([[[1.0], [3.0], [8.0]], [[2.0], [0.0], [4.0]]])
    expected = (abs(1 - 0) + abs(3 - 0.5) + abs(8 - 2) + abs(2 - 0) + abs(0 - 1) + abs(4 - 1)) / 6
    assert window_change(f_BTF, 2).item() == pytest.approx(expected)
    assert window_change(f_BTF, 1).item() == pytest.approx(adjacent_change(f_BTF).item())
    with pytest.raises(ValueError, match="window of 0"):
        window_change(f_BTF, 0)


def test_a_convolution_mixes_each_dimension_over_its_own_past() -> None:
    x_BTD = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    kernel_WD = torch.tensor([[100.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    assert causal_convolution(x_BTD, kernel_WD).tolist() == [[[1.0, 20.0], [2.0, 50.0], [103.0, 80.0]]]


def test_a_convolution_starts_as_the_identity_and_sees_no_later_token_nor_another_sequence() -> None:
    x_BTD = torch.randn(2, 6, 3)
    assert torch.equal(causal_convolution(x_BTD, initial_kernel(4, 3)), x_BTD)
    kernel_WD = torch.randn(4, 3)
    changed_BTD = x_BTD.clone()
    changed_BTD[0, 4:] += 1.0
    changed_BTD[1] += 1.0
    before_BTD, after_BTD = causal_convolution(x_BTD, kernel_WD), causal_convolution(changed_BTD, kernel_WD)
    assert torch.equal(before_BTD[0, :4], after_BTD[0, :4])
    assert not torch.allclose(before_BTD[0, 4], after_BTD[0, 4])
    with pytest.raises(ValueError, match="window of 0"):
        initial_kernel(0, 3)
