"""The metrics, as sums over sequences. Codes f and activations x are float32; sums are kept in float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
        }


def _sum(values: Tensor) -> float:
    return float(values.sum(dtype=torch.float64))
