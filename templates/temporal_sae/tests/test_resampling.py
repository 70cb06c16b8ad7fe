from __future__ import annotations

import torch
from temporal_sae.resampling import draw_inputs, replace_features
from temporal_sae.sae import SparseAutoencoder


def test_inputs_are_drawn_by_their_squared_loss_without_repetition() -> None:
    torch.manual_seed(0)
    x_BTD = torch.arange(4.0).reshape(1, 4, 1)
    error_BTD = torch.tensor([[[0.0], [1.0], [2.0], [0.0]]])
    firsts = [draw_inputs(x_BTD, error_BTD, 1).item() for _ in range(400)]
    assert set(firsts) == {1.0, 2.0}
    # chances are as error^4: 1 to 16
    assert 0.02 < firsts.count(1.0) / 400 < 0.11
    assert sorted(draw_inputs(x_BTD, error_BTD, 3).flatten().tolist()) == [1.0, 2.0]
    assert draw_inputs(x_BTD, 0 * error_BTD, 3).shape == (0, 1)


def test_dead_features_point_at_inputs_and_adam_forgets_them() -> None:
    torch.manual_seed(0)
    extra = {"log_threshold": torch.arange(5.0, requires_grad=True), "kernel": torch.ones(2, 3, requires_grad=True)}
    sae = SparseAutoencoder(3, 5, extra=extra)
    optimiser = torch.optim.Adam(sae.parameters())
    sum(weight.sum() for weight in sae.parameters()).backward()
    optimiser.step()
    before = {name: weight.detach().clone() for name, weight in sae.named_parameters()}
    dead_G, living_F = torch.tensor([1, 4]), torch.tensor([True, False, True, True, False])
    inputs_GD = torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    replace_features(sae, optimiser, dead_G, inputs_GD)
    directions = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    assert torch.allclose(sae.W_dec[dead_G], directions)
    norm = before["W_enc_FD"][living_F].norm(dim=1).mean()
    assert torch.allclose(sae.W_enc_FD[dead_G], 0.2 * norm * directions)
    assert sae.b_enc[dead_G].tolist() == [0.0, 0.0]
    assert torch.allclose(sae.log_threshold[dead_G], before["log_threshold"][living_F].mean().expand(2))
    for name in ("W_dec", "W_enc_FD", "b_enc", "log_threshold", "kernel", "b_dec"):
        now, then = getattr(sae, name), before[name]
        assert torch.equal(*((now[living_F], then[living_F]) if len(now) == 5 else (now, then)))
    for weight in (sae.W_dec, sae.W_enc_FD, sae.b_enc):
        assert not optimiser.state[weight]["exp_avg"][dead_G].any()
        assert not optimiser.state[weight]["exp_avg_sq"][dead_G].any()
        assert optimiser.state[weight]["exp_avg"][living_F].all()


def test_where_every_feature_is_dead_nothing_is_known_of_their_norm_and_nothing_changes() -> None:
    sae = SparseAutoencoder(3, 2)
    before = sae.W_enc_FD.detach().clone()
    replace_features(sae, torch.optim.Adam(sae.parameters()), torch.tensor([0, 1]), torch.ones(2, 3))
    assert torch.equal(sae.W_enc_FD, before)
