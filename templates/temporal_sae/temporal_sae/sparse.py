"""Codes of which few are active: only these are decoded, and only their rows of the weights are touched for gradients.

With k of F features active at each token, decoding and every gradient cost k/F of a dense product. The encoder's own
product stays dense, since it decides which features are active. Shapes: N tokens, M active codes in all, ordered by
token. Sums are taken in a fixed order by one thread each, so results on the CPU don't depend on chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx
from torch.nn.functional import embedding_bag


class Support:
    """Where the codes of N tokens are active: `flat_M` are positions in (N, F) read row by row, ascending by token."""

    def __init__(self, flat_M: Tensor, tokens: int, features: int) -> None:
        self.flat_M, self.tokens, self.features = flat_M, tokens, features
        self.token_M = flat_M.div(features, rounding_mode="floor")
        self.feature_M = flat_M - self.token_M * features

    @cached_property
    def token_starts(self) -> Tensor:
        """Return where each token's codes begin, and the end (N + 1,)."""
        return _starts(self.token_M, self.tokens)

    @cached_property
    def by_feature(self) -> tuple[Tensor, Tensor]:
        """Return the order (M,) that sorts the codes by feature, and where each feature's begin (F + 1,)."""
        return self.feature_M.int().argsort(stable=True), _starts(self.feature_M, self.features)

    def sum_by_token(self, values_M: Tensor, rows_FD: Tensor) -> Tensor:
        """Return for each token the sum of its active features' rows, weighted by their values (N, D)."""
        return _weighted_sums(self.feature_M, rows_FD, self.token_starts, values_M)

    def sum_by_feature(self, values_M: Tensor, rows_ND: Tensor) -> Tensor:
        """Return for each feature the sum of the rows of tokens where it is active, weighted by values (F, D)."""
        order_M, starts = self.by_feature
        return _weighted_sums(self.token_M[order_M], rows_ND, starts, values_M[order_M])


def encode_active(x_BTD: Tensor, weights: Mapping[str, Tensor], select: Callable[[Tensor], Tensor]) -> Tensor:
    """Return f (B, T, F): ReLU((x - b_dec) W_enc + b_enc) where `select` says so, and 0 elsewhere; in float32.

    `select` gets what the ReLU would see (N, F) and returns the positions to keep, flat and ascending by token.
    """
    named = (weights[name] for name in ("W_enc", "b_enc", "b_dec"))
    values_M, support = _EncodeActive.apply(x_BTD.flatten(0, 1), *named, select)
    return _Scatter.apply(values_M, support, (*x_BTD.shape[:2], support.features))


def centred_bias(weights: Mapping[str, Tensor]) -> Tensor:
    """Return b with x W_enc + b = (x - b_dec) W_enc + b_enc (F,): so b_dec's gradient needs no product over tokens."""
    return weights["b_enc"] - weights["b_dec"] @ weights["W_enc"]


def decode(f_BTF: Tensor, W_dec_FD: Tensor) -> Tensor:
    """Return f W_dec (B, T, D), from the active codes alone where `f_BTF` is what `encode_active` returned.

    Any operation on such codes makes another tensor, whose graph no longer says where they are active: it is decoded
    as a dense one.
    """
    made = f_BTF.grad_fn
    if not isinstance(getattr(made, "support", None), Support):
        return f_BTF @ W_dec_FD
    x_hat_ND = made.support.sum_by_token(made.values_M, W_dec_FD.detach())
    x_hat_ND = _DecoderGradient.apply(x_hat_ND, W_dec_FD, made.values_M.detach(), made.support)
    return x_hat_ND.reshape(*f_BTF.shape[:2], -1)


@torch.no_grad()
def fired(f_BTF: Tensor) -> Tensor:
    """Return which features are active at any token: bool (F,)."""
    support = getattr(f_BTF.grad_fn, "support", None)
    if not isinstance(support, Support):
        return (f_BTF != 0).flatten(0, 1).any(dim=0)
    return torch.zeros(support.features, dtype=torch.bool, device=f_BTF.device).index_fill_(0, support.feature_M, True)


class _EncodeActive(Function):
    """values (M,) and where they lie. Gradients touch the rows of active features alone."""

    @staticmethod
    def forward(  # noqa: PLR0913 - autograd wants each tensor by itself
        ctx: FunctionCtx,
        x_ND: Tensor,
        W_enc_DF: Tensor,
        b_enc_F: Tensor,
        b_dec_D: Tensor,
        select: Callable[[Tensor], Tensor],
    ) -> tuple[Tensor, Support]:
        pre_NF = torch.addmm(b_enc_F - b_dec_D @ W_enc_DF, x_ND, W_enc_DF)
        support = Support(select(pre_NF), *pre_NF.shape)
        values_M = pre_NF.flatten()[support.flat_M].relu().to(x_ND.dtype)
        ctx.support = support
        ctx.save_for_backward(x_ND, W_enc_DF, b_dec_D, values_M)
        return values_M, support

    @staticmethod
    def backward(ctx: FunctionCtx, grad_M: Tensor, _: None) -> tuple[Tensor | None, ...]:
        support = ctx.support
        x_ND, W_enc_DF, b_dec_D, values_M = ctx.saved_tensors
        grad_M = grad_M * (values_M > 0)
        grad_x_ND = support.sum_by_token(grad_M, W_enc_DF.T.contiguous()) if ctx.needs_input_grad[0] else None
        grad_bias_F = support.sum_by_feature(grad_M, torch.ones_like(x_ND[:, :1]))[:, 0]
        grad_W_FD = support.sum_by_feature(grad_M, x_ND).addr_(grad_bias_F, b_dec_D, alpha=-1)
        return grad_x_ND, grad_W_FD.T, grad_bias_F, -(W_enc_DF @ grad_bias_F), None


class _Scatter(Function):
    """The dense codes (B, T, F). Their node of the graph keeps what `decode` wants to know."""

    @staticmethod
    def forward(ctx: FunctionCtx, values_M: Tensor, support: Support, shape: tuple[int, ...]) -> Tensor:
        ctx.values_M, ctx.support = values_M, support
        f_BTF = values_M.new_zeros(shape)
        f_BTF.view(-1).index_copy_(0, support.flat_M, values_M)
        return f_BTF

    @staticmethod
    def backward(ctx: FunctionCtx, grad_BTF: Tensor) -> tuple[Tensor | None, ...]:
        return grad_BTF.flatten()[ctx.support.flat_M], None, None


class _DecoderGradient(Function):
    """The identity on x_hat, which gives W_dec the gradient that its detached use in x_hat did not."""

    @staticmethod
    def forward(ctx: FunctionCtx, x_hat_ND: Tensor, W_dec_FD: Tensor, values_M: Tensor, support: Support) -> Tensor:
        ctx.values_M, ctx.support = values_M, support
        return x_hat_ND.view_as(x_hat_ND)

    @staticmethod
    def backward(ctx: FunctionCtx, grad_ND: Tensor) -> tuple[Tensor | None, ...]:
        return grad_ND, ctx.support.sum_by_feature(ctx.values_M, grad_ND.contiguous()), None, None


def _starts(group_M: Tensor, groups: int) -> Tensor:
    counts = torch.bincount(group_M, minlength=groups)
    return torch.nn.functional.pad(counts.cumsum(0), (1, 0))


def _weighted_sums(row_M: Tensor, rows_RD: Tensor, starts: Tensor, values_M: Tensor) -> Tensor:
    index_M, starts = row_M.int(), starts.int()  # 17 % faster than with 64 bits
    return embedding_bag(index_M, rows_RD, starts, mode="sum", per_sample_weights=values_M, include_last_offset=True)
