"""Metrics of reconstruction, sparsity and shrinkage, as sums over sequences.

Codes f and activations x are float32; sums are kept in float64. `dynamics`, `splice` and `probing` hold the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

SMALLEST_NORM = 1e-8


@dataclass
class Totals:
    """What the metrics are computed from, gathered one whole sequence at a time."""

    tokens: int = 0
    dimensions: int = 0
    features: int = 0
    squared_error: float = 0.0
    squared_deviation: float = 0.0
    active: float = 0.0
    magnitude: float = 0.0
    changes: float = 0.0
    steps: int = 0
    cosine: float = 0.0
    norm_ratio: float = 0.0
    squared_norm: float = 0.0
    inner_product: float = 0.0
    alive: Tensor = field(default_factory=lambda: torch.zeros(()))

    def add(self, x_TD: Tensor, x_hat_TD: Tensor, f_TF: Tensor, mean_D: Tensor) -> None:
        """Count one sequence. `mean_D` is the mean activation over the whole part."""
        self.tokens += x_TD.shape[0]
        self.steps += x_TD.shape[0] - 1
        self.dimensions, self.features = x_TD.shape[1], f_TF.shape[1]
        self.squared_error += _sum((x_TD - x_hat_TD).square())
        self.squared_deviation += _sum((x_TD - mean_D).square())
        self.active += _sum(f_TF != 0)
        self.magnitude += _sum(f_TF.abs())
        self.changes += _sum((f_TF[1:] - f_TF[:-1]).abs())
        self.cosine += _sum(cosine_similarity(x_TD, x_hat_TD, dim=-1, eps=SMALLEST_NORM))
        self.norm_ratio += _sum(x_hat_TD.norm(dim=-1) / x_TD.norm(dim=-1).clamp_min(SMALLEST_NORM))
        self.squared_norm += _sum(x_hat_TD.square())
        self.inner_product += _sum(x_TD * x_hat_TD)
        self.alive = self.alive.maximum(f_TF.count_nonzero(dim=0).clamp_max(1))

    def mse(self) -> float:
        """Return mean over tokens and dimensions of (x - x_hat)^2, in the scale with mean ||x|| = sqrt(d_in)."""
        return self.squared_error / (self.tokens * self.dimensions)

    def explained_variance(self) -> float | None:
        """Return 1 - sum ||x - x_hat||^2 / sum ||x - mean||^2; None where x never varies.

        The fraction of variance explained as in Gao et al. (2025), with both sums over all tokens of the part.
        """
        return 1.0 - self.squared_error / self.squared_deviation if self.squared_deviation else None

    def l0(self) -> float:
        """Return the mean number of non-zero codes of a token (Bricken et al., 2023)."""
        return self.active / self.tokens

    def l1(self) -> float:
        """Return the mean over tokens of sum_i |f_i| (`l1` of SAEBench; Karvonen et al., 2025)."""
        return self.magnitude / self.tokens

    def fraction_alive(self) -> float:
        """Return the share of features with a code other than zero on at least one token of the part.

        `frac_alive` of SAEBench (Karvonen et al., 2025), there over more text: on a small part rare features look dead.
        """
        return float(self.alive.sum()) / self.features

    def cosine_similarity(self) -> float:
        """Return the mean over tokens of <x, x_hat> / (||x|| ||x_hat||), 0 for a token whose reconstruction is 0.

        `cossim` of SAEBench (Karvonen et al., 2025).
        """
        return self.cosine / self.tokens

    def l2_ratio(self) -> float:
        """Return the mean over tokens of ||x_hat|| / ||x||; below 1, reconstructions are too short.

        `l2_ratio` of SAEBench (Karvonen et al., 2025), which counts it as shrinkage.
        """
        return self.norm_ratio / self.tokens

    def relative_reconstruction_bias(self) -> float | None:
        """Return gamma = E ||x_hat||^2 / E <x, x_hat>; None where nothing is reconstructed.

        1 / gamma is the factor by which x_hat would best be multiplied, so gamma < 1 is shrinkage (Rajamanoharan et
        al., 2024, "Improving Dictionary Learning with Gated Sparse Autoencoders", equation 10).
        """
        return self.squared_norm / self.inner_product if self.inner_product else None

    def temporal_consistency(self) -> float | None:
        """Return mean |f_t - f_{t-1}| over mean |f|; lower is steadier. None where no code is active.

        Changes are counted within sequences only, between tokens that are there (no zero state before the first).
        Both means are over features, too. Codes that are drawn anew at each token and rarely active give about 2.
        A total-variation measure, relative to the L1 norm (compare the fused lasso, Tibshirani et al., 2005).
        """
        if not self.magnitude or not self.steps:
            return None
        return (self.changes / self.steps) / (self.magnitude / self.tokens)

    def all(self) -> dict[str, float | None]:
        """Return the metrics by the names that template.toml gives them."""
        return {
            "explained_variance": self.explained_variance(),
            "mse": self.mse(),
            "l0": self.l0(),
            "temporal_consistency": self.temporal_consistency(),
            "cosine_similarity": self.cosine_similarity(),
            "l1": self.l1(),
            "fraction_alive": self.fraction_alive(),
            "l2_ratio": self.l2_ratio(),
            "relative_reconstruction_bias": self.relative_reconstruction_bias(),
        }


def _sum(values: Tensor) -> float:
    return float(values.sum(dtype=torch.float64))
