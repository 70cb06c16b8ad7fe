from __future__ import annotations

import torch
from temporal_sae.temporal import l1_norm, mean_squared_error, temporal_difference


def test_state_before_the_first_token_is_zero_in_every_sequence() -> None:
    f_BTF = torch.tensor([[[1.0], [4.0], [2.0]], [[7.0], [7.0], [0.0]]])
    assert temporal_difference(f_BTF).tolist() == [[[1.0], [3.0], [-2.0]], [[7.0], [0.0], [-7.0]]]


def test_l1_norm_sums_features_and_averages_tokens() -> None:
    assert l1_norm(torch.tensor([[[1.0, -2.0], [0.0, 5.0]]])).item() == 4.0


def test_squared_error_is_per_dimension() -> None:
    assert mean_squared_error(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[1.0, 5.0]]])).item() == 4.5
