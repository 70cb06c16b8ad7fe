"""Metrics of how codes go on from one token to a later one, as sums over pairs of tokens of one sequence."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Pairs:
    """Pairs (f_{t-lag}, f_t), counted within sequences only, with their moments for each feature."""

    def __init__(self, features: int, lag: int) -> None:
        self.lag, self.count = lag, 0
        self._moments_MF = torch.zeros(5, features, dtype=torch.float64)
        self._active_MF = torch.zeros(3, features, dtype=torch.float64)

    def add(self, f_TF: Tensor) -> None:
        """Count the pairs of one sequence; one that is no longer than `lag` has none."""
        before_PF, after_PF = f_TF[: -self.lag], f_TF[self.lag :]
        self.count += before_PF.shape[0]
        products = (before_PF, after_PF, before_PF.square(), after_PF.square(), before_PF * after_PF)
        self._moments_MF += torch.stack([_sums(product) for product in products])
        was_PF, is_PF = before_PF != 0, after_PF != 0
        self._active_MF += torch.stack([_sums(pairs) for pairs in (was_PF, is_PF, was_PF & is_PF)])

    def autocorrelation(self) -> float | None:
        """Return Pearson's correlation of f_{t-lag} and f_t over all pairs, averaged over features; None without any.

        A feature counts where its code varies in both places. The sample autocorrelation at one lag (Box and Jenkins,
        1970), with means and variances of the pairs themselves, so that sequences may be short.
        """
        first_F, second_F, *squares, product_F = self._moments_MF / max(1, self.count)
        variance_F = (squares[0] - first_F.square()) * (squares[1] - second_F.square())
        # Sums of equal codes leave rounding errors of this size where the variance is zero.
        varies_F = variance_F > 1e-12 * (squares[0] * squares[1])
        if not varies_F.any():
            return None
        return float(((product_F - first_F * second_F) / variance_F.sqrt())[varies_F].mean())

    def transition_entropy(self) -> float | None:
        """Return H(s_t | s_{t-lag}) in bits, s being whether a feature is active; averaged over features ever active.

        H = -sum_{a,b} p(a, b) log2 p(b | a) with a, b in {off, on} and p the share of all pairs: the entropy rate of
        the feature's on/off state as a Markov chain (Cover and Thomas, 2006, section 4.2). 0 is a state that follows
        from the one before, 1 a fair coin. It falls with L0: a feature that is rarely on is rarely a surprise.
        """
        was_F, is_F, both_F = self._active_MF
        off_F = self.count - was_F
        joint = torch.stack([both_F, was_F - both_F, is_F - both_F, off_F - (is_F - both_F)])
        given = torch.stack([was_F, was_F, off_F, off_F])
        surprise_F = -torch.xlogy(joint, joint / given.clamp_min(1)).sum(dim=0)
        entropy_F = surprise_F / (max(1, self.count) * math.log(2))
        ever_F = (was_F + is_F) > 0
        return float(entropy_F[ever_F].mean()) if ever_F.any() else None


def _sums(values_PF: Tensor) -> Tensor:
    return values_PF.sum(dim=0, dtype=torch.float64)
