from __future__ import annotations

import torch
from temporal_sae import batch_topk
from temporal_sae.batch_topk import largest_in_batch


def weights_of(k: int, threshold: float, trained: bool) -> dict[str, torch.Tensor]:
    return {
        "W_enc": torch.eye(3).requires_grad_(trained),
        "b_enc": torch.zeros(3),
        "b_dec": torch.zeros(3),
        "k": torch.tensor(k),
        "threshold": torch.tensor(threshold),
    }


X_BTD = torch.tensor([[[9.0, 8.0, 7.0], [1.0, 2.0, -3.0]]])


def test_in_training_the_batch_shares_its_codes() -> None:
    f_BTF = batch_topk.encode(X_BTD, weights_of(2, 0.0, trained=True))
    assert f_BTF.tolist() == [[[9.0, 8.0, 7.0], [0.0, 2.0, 0.0]]]


def test_the_threshold_is_a_running_mean_of_the_smallest_code_kept() -> None:
    weights = weights_of(2, 0.0, trained=True)
    batch_topk.encode(X_BTD, weights)
    assert weights["threshold"].item() == 2.0
    batch_topk.encode(10 * X_BTD, weights)
    assert abs(weights["threshold"].item() - (0.95 * 2 + 0.05 * 20)) < 1e-6


def test_afterwards_a_token_depends_on_the_threshold_alone() -> None:
    weights = weights_of(2, 7.5, trained=False)
    whole_BTF = batch_topk.encode(X_BTD, weights)
    assert whole_BTF.tolist() == [[[9.0, 8.0, 0.0], [0.0, 0.0, 0.0]]]
    assert torch.equal(batch_topk.encode(X_BTD[:, :1], weights), whole_BTF[:, :1])
    with torch.no_grad():
        assert torch.equal(batch_topk.encode(X_BTD, weights_of(2, 7.5, trained=True)), whole_BTF)
    assert weights["threshold"].item() == 7.5


def test_a_guess_changes_nothing_but_the_time() -> None:
    torch.manual_seed(0)
    pre_NF = torch.randn(20, 30)
    expected = pre_NF.flatten().topk(50).indices.sort().values
    for guess in (0.0, 1.0, 5.0):
        assert torch.equal(largest_in_batch(pre_NF, 50, torch.tensor(guess)), expected)
    assert len(largest_in_batch(pre_NF, 600, torch.tensor(0.0))) == int((pre_NF > 0).sum())
