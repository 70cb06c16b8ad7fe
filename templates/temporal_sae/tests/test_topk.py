from __future__ import annotations

import pytest
import torch
from temporal_sae import topk
from temporal_sae.sae import SparseAutoencoder
from temporal_sae.training import State


def test_the_k_largest_positive_codes_of_each_token_stay() -> None:
    weights = {"W_enc": torch.eye(4), "b_enc": torch.zeros(4), "b_dec": torch.zeros(4), "k": torch.tensor(2)}
    x_BTD = torch.tensor([[[1.0, 4.0, 3.0, 2.0], [-1.0, -2.0, 5.0, -3.0]]])
    assert topk.encode(x_BTD, weights).tolist() == [[[0.0, 4.0, 3.0, 0.0], [0.0, 0.0, 5.0, 0.0]]]


@pytest.mark.parametrize(("features", "k"), [(64, 1), (64, 5), (64, 8), (64, 9), (60, 5), (7, 7)])
def test_ranking_in_two_steps_finds_what_one_ranking_does(features: int, k: int) -> None:
    pre_NF = torch.randn(50, features, generator=torch.Generator().manual_seed(k))
    pre_NF[0] = 0.0
    pre_NF[0, :k] = torch.arange(1.0, k + 1)  # all in groups that follow each other
    chosen_NK = topk.largest_per_token(pre_NF, k).view(50, k) - features * torch.arange(50)[:, None]
    assert torch.equal(chosen_NK.sort().values, pre_NF.topk(k).indices.sort().values)


@pytest.mark.parametrize("k", [0, 10, 2.0, True, None])
def test_k_must_be_a_whole_number_of_features(k: object) -> None:
    with pytest.raises(ValueError, match="setting k is .* from 1 to d_sae = 9"):
        topk.initial_weights(5, 9, {} if k is None else {"k": k})


def test_dead_features_learn_from_the_error_and_from_nothing_else() -> None:
    torch.manual_seed(0)
    sae = SparseAutoencoder(6, 10, extra=topk.initial_weights(6, 10, {"k": 2}))
    x_BTD = torch.randn(3, 4, 6)
    state = State(weights=sae.weights(), dead=torch.arange(10) >= 5)
    x_hat_BTD = sae.decode(topk.encode(x_BTD, sae.weights()))
    loss = topk.auxiliary_loss(x_BTD, x_hat_BTD, state)
    error_BTD = (x_BTD - x_hat_BTD).detach()
    pre_BTG = torch.relu(x_BTD @ sae.W_enc_FD[5:].T)
    largest = pre_BTG.topk(3, dim=-1)
    by_hand = torch.zeros_like(pre_BTG).scatter(-1, largest.indices, largest.values) @ sae.W_dec[5:]
    assert loss.item() == pytest.approx((error_BTD - by_hand).square().mean().item(), rel=1e-5)
    loss.backward()
    assert not sae.W_dec.grad[:5].any()
    assert sae.W_dec.grad[5:].any()


def test_without_dead_features_the_auxiliary_loss_is_zero() -> None:
    x_BTD = torch.randn(1, 2, 3)
    assert topk.auxiliary_loss(x_BTD, 0 * x_BTD, State(dead=torch.zeros(4, dtype=torch.bool))).item() == 0.0


def test_the_loss_takes_the_auxiliary_term_at_the_papers_weight() -> None:
    sae = SparseAutoencoder(3, 4)
    x_BTD = torch.randn(1, 2, 3)
    state = State(weights=sae.weights(), dead=torch.ones(4, dtype=torch.bool))
    term = topk.penalty(torch.zeros(1, 2, 4), x_BTD, 0 * x_BTD, {}, state)
    assert term.item() == pytest.approx(topk.auxiliary_loss(x_BTD, 0 * x_BTD, state).item() / 32)
