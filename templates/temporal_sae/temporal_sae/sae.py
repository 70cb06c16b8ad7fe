"""The weights that all sparse autoencoders here share, and their decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from temporal_sae import sparse

Encode = Callable[[Tensor, Mapping[str, Tensor]], Tensor]


class SparseAutoencoder(nn.Module):
    """Weights W_enc (D, F), b_enc (F,), W_dec (F, D), b_dec (D,), and what else an encoder may want.

    x_hat = f W_dec + b_dec, where each feature's direction (a row of W_dec) keeps unit norm, so that no feature can
    hide from a penalty on its codes behind a long direction (Bricken et al., 2023). What f is, an encoder says.
    W_enc is kept as `W_enc_FD`, a row for each feature, as the gradients of sparse codes come.
    """

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        mean_D: Tensor | None = None,
        extra: Mapping[str, Tensor] | None = None,
        encoder_norm: float = 1.0,
    ) -> None:
        """Draw random directions from torch's global generator; b_dec starts at `mean_D`.

        W_enc starts as their transpose, each column scaled to `encoder_norm`.

        Each tensor of `extra` becomes one more weight, which an encoder finds by its name. It is trained where it
        requires a gradient, and is kept as it is where not.
        """
        super().__init__()
        if d_in < 1 or d_sae < 1:
            raise ValueError(f"d_in {d_in} and d_sae {d_sae} must be positive")
        directions_FD = nn.functional.normalize(torch.randn(d_sae, d_in), dim=-1)
        self.W_dec = nn.Parameter(directions_FD)
        self.W_enc_FD = nn.Parameter(encoder_norm * directions_FD)
        self.b_enc = nn.Parameter(torch.zeros(d_sae))
        self.b_dec = nn.Parameter(torch.zeros(d_in) if mean_D is None else mean_D.clone())
        for name, tensor in (extra or {}).items():
            value = tensor.detach().clone()
            if tensor.requires_grad:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name, still part of the graph."""
        kept = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        return {"W_enc": kept.pop("W_enc_FD").T, **kept}

    def decode(self, f_BTF: Tensor) -> Tensor:
        """Return x_hat (B, T, D)."""
        return sparse.decode(f_BTF, self.W_dec) + self.b_dec

    @torch.no_grad()
    def remove_parallel_gradient(self) -> None:
        """Drop the part of W_dec's gradient along each direction, which renormalising would undo after Adam saw it."""
        grad_FD = self.W_dec.grad
        if grad_FD is not None:
            grad_FD.addcmul_(self.W_dec, (grad_FD * self.W_dec).sum(dim=-1, keepdim=True), value=-1)

    @torch.no_grad()
    def normalise_directions(self) -> None:
        """Scale each row of W_dec back to norm 1."""
        self.W_dec /= self.W_dec.norm(dim=-1, keepdim=True).clamp_min(1e-8)
