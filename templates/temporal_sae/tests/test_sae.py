from __future__ import annotations

import pytest
import torch
from temporal_sae.sae import SparseAutoencoder
from temporal_sae.standard import encode


def test_encoder_and_decoder_follow_their_equations() -> None:
    sae = SparseAutoencoder(3, 5, mean_D=torch.tensor([1.0, 2.0, 3.0]))
    x_BTD = torch.randn(2, 4, 3)
    f_BTF = encode(x_BTD, sae.weights())
    expected = [max(0.0, sum((x_BTD[1, 2] - sae.b_dec) * sae.weights()["W_enc"][:, i]).item()) for i in range(5)]
    assert f_BTF[1, 2].tolist() == pytest.approx(expected, abs=1e-5)
    assert torch.allclose(sae.decode(f_BTF)[1, 2], f_BTF[1, 2] @ sae.W_dec + sae.b_dec, atol=1e-6)


def test_directions_keep_unit_norm_and_the_gradient_no_parallel_part() -> None:
    sae = SparseAutoencoder(6, 9)
    x_BTD = torch.randn(2, 4, 6)
    (x_BTD - sae.decode(encode(x_BTD, sae.weights()))).square().sum().backward()
    assert (sae.W_dec.grad * sae.W_dec).sum(dim=-1).abs().max() > 1e-3
    sae.remove_parallel_gradient()
    assert (sae.W_dec.grad * sae.W_dec).sum(dim=-1).abs().max() < 1e-4
    with torch.no_grad():
        sae.W_dec -= 0.3 * sae.W_dec.grad
    sae.normalise_directions()
    assert torch.allclose(sae.W_dec.norm(dim=-1), torch.ones(9), atol=1e-6)


def test_the_encoder_starts_as_the_transpose_of_the_directions_at_its_norm() -> None:
    sae = SparseAutoencoder(6, 9, encoder_norm=0.1)
    assert torch.allclose(sae.weights()["W_enc"], 0.1 * sae.W_dec.T)


def test_encoder_gradient_agrees_with_finite_differences() -> None:
    sae = SparseAutoencoder(3, 4).double()
    x_BTD = torch.randn(1, 3, 3, dtype=torch.double)

    def error(W_enc: torch.Tensor) -> torch.Tensor:
        f_BTF = encode(x_BTD, {**sae.weights(), "W_enc": W_enc})
        return (x_BTD - sae.decode(f_BTF)).square().mean()

    assert torch.autograd.gradcheck(error, (sae.weights()["W_enc"].detach().clone().requires_grad_(),))


def test_extra_weights_are_trained_where_they_require_a_gradient() -> None:
    sae = SparseAutoencoder(3, 4, extra={"threshold": torch.ones(4, requires_grad=True), "k": torch.tensor(2)})
    assert sae.weights()["threshold"].requires_grad
    assert set(dict(sae.named_parameters())) == {"W_enc_FD", "b_enc", "W_dec", "b_dec", "threshold"}
    assert sae.weights()["k"].item() == 2


def test_an_empty_dictionary_is_refused() -> None:
    with pytest.raises(ValueError, match="d_sae 0"):
        SparseAutoencoder(3, 0)
