from __future__ import annotations

import pytest
import torch
from temporal_sae import batch_topk, sparse, topk
from temporal_sae.sae import SparseAutoencoder


def sae_of(architecture, settings, d_in=5, d_sae=9) -> SparseAutoencoder:
    torch.manual_seed(1)
    sae = SparseAutoencoder(d_in, d_sae, torch.randn(d_in), architecture.initial_weights(d_in, d_sae, settings))
    return sae.double()


def dense(x_BTD, sae, keep_BTF):
    """The same codes and reconstruction by dense products and masks."""
    f_BTF = torch.relu((x_BTD - sae.b_dec) @ sae.W_enc_FD.T + sae.b_enc) * keep_BTF
    return f_BTF, f_BTF @ sae.W_dec + sae.b_dec


@pytest.mark.parametrize("architecture", [topk, batch_topk], ids=["topk", "batch_topk"])
@pytest.mark.parametrize("uses_codes", [False, True])
def test_values_and_gradients_are_those_of_dense_products(architecture, uses_codes: bool) -> None:
    sae = sae_of(architecture, {"k": 3})
    x_BTD = torch.randn(2, 7, 5, dtype=torch.double, requires_grad=True)
    f_BTF = architecture.encode(x_BTD, sae.weights())
    assert f_BTF.grad_fn.support is not None
    x_hat_BTD = sae.decode(f_BTF)
    f_dense_BTF, x_hat_dense_BTD = dense(x_BTD, sae, (f_BTF != 0).detach())
    assert torch.allclose(f_BTF, f_dense_BTF)
    assert torch.allclose(x_hat_BTD, x_hat_dense_BTD)
    assert torch.equal(sparse.fired(f_BTF), sparse.fired(f_dense_BTF))
    wanted = [x_BTD, sae.W_enc_FD, sae.b_enc, sae.W_dec, sae.b_dec]

    def gradients(f, x_hat):
        loss = (x_BTD.detach() - x_hat).square().sum() + uses_codes * (f.sin() * 0.3).sum()
        return torch.autograd.grad(loss, wanted)

    for sparse_one, dense_one in zip(gradients(f_BTF, x_hat_BTD), gradients(f_dense_BTF, x_hat_dense_BTD), strict=True):
        assert torch.allclose(sparse_one, dense_one)


def test_changed_codes_are_decoded_as_they_are() -> None:
    sae = sae_of(topk, {"k": 2})
    f_BTF = topk.encode(torch.randn(1, 4, 5, dtype=torch.double), sae.weights())
    f_BTF[0, 0, :] = 1.0
    assert torch.allclose(sae.decode(f_BTF), f_BTF @ sae.W_dec + sae.b_dec)
    assert torch.allclose(sae.decode(2 * f_BTF), 2 * f_BTF @ sae.W_dec + sae.b_dec)
    assert sparse.fired(f_BTF).all()


def test_a_feature_without_any_code_gets_no_gradient() -> None:
    sae = sae_of(topk, {"k": 1})
    f_BTF = topk.encode(torch.randn(1, 3, 5, dtype=torch.double), sae.weights())
    sae.decode(f_BTF).sum().backward()
    silent_F = ~sparse.fired(f_BTF)
    assert silent_F.any()
    assert not sae.W_dec.grad[silent_F].any()
    assert sae.W_dec.grad[~silent_F].any(dim=-1).all()
