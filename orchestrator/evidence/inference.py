"""The statistics of a comparison: contrasts of conditions over seeds, their tests and intervals. Pure.

A comparison is a weighted sum of conditions whose weights add up to 0. Every condition was run on the same seeds, so
seeds are blocks: with x[c, i] = mean[c] + seed[i] + noise, the weighted sum is free of seed[i] whatever its size, and
the noise is estimated from all conditions together, with (C - 1)(n - 1) degrees of freedom for C conditions and n
seeds. `benchmarks/verdicts.py` compares this with the two alternatives (5 seeds). Where a seed has no effect, as
training is chaotic, it is as narrow as pooling without blocks; where half of the variance is the seed's it is a quarter
narrower, and pooling without blocks covers 99 % instead of 95. A paired t test of the comparison's own n differences
covers rightly in both cases and is wider by a quarter, at 3 seeds by three quarters.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
POWER = 0.8
# Level of the test that a comparison's own variance exceeds the pooled one. Levene's and Brown and Forsythe's tests are
# no use here: in nine conditions of 5 seeds, one of them with its standard deviation doubled, the latter sees it in 8 %
# of cases at a level of 0.1, and neither looks at the condition that matters.
SPREAD_LEVEL = 0.05


@dataclass(frozen=True)
class Estimate:
    """A difference with its standard error, both in the metric's units; `pooled` where the spread allows it.

    `slack` bounds what is not noise (an interpolation's error) and is added to the interval on both sides.
    """

    difference: float
    error: float
    freedom: int
    slack: float
    pooled: bool

    @property
    def beyond_slack(self) -> float:
        """The part of the difference that slack can't explain, without its sign."""
        return max(0.0, abs(self.difference) - self.slack)


def estimate(values_cn: Array, weights: Array, slack: float = 0.0) -> Estimate:
    """Return the contrast `weights` of the rows of `values_cn` (conditions, seeds); needs 2 rows and 2 seeds.

    The variance is pooled over all rows, or that of the n weighted sums themselves where it is larger; where it is
    significantly larger it also has its own n - 1 degrees of freedom. One condition that varies more than the others
    then costs its own comparison little of its level, and the others some power.
    """
    from scipy import special  # as in evidence.metrics: only a comparison should wait for it

    seeds = values_cn.shape[1]
    sums = weights @ values_cn
    own, pooled = float(sums.var(ddof=1)), block_variance(values_cn) * float(weights @ weights)
    freedom = (values_cn.shape[0] - 1) * (seeds - 1)
    allowed = pooled > 0 and special.fdtrc(seeds - 1, freedom, own / pooled) >= SPREAD_LEVEL
    error = float(np.sqrt(max(own, pooled) / seeds))
    return Estimate(float(sums.mean()), error, freedom if allowed else seeds - 1, slack, bool(allowed))


def block_variance(values_cn: Array) -> float:
    """Return the residual variance of conditions and seeds as additive effects."""
    conditions, seeds = values_cn.shape
    noise = values_cn - values_cn.mean(1, keepdims=True)
    noise = noise - noise.mean(0, keepdims=True)
    return float((noise**2).sum() / ((conditions - 1) * (seeds - 1)))


def p_of_difference(found: Estimate) -> float:
    """Return the two-sided p of a t test against no difference."""
    from scipy import special

    return float(2 * special.stdtr(found.freedom, -found.beyond_slack / found.error))


def p_of_equivalence(found: Estimate, margin: float) -> float:
    """Return the p of two one-sided t tests against a difference of `margin` or more (Schuirmann 1987)."""
    from scipy import special

    return float(special.stdtr(found.freedom, -(margin - abs(found.difference) - found.slack) / found.error))


def half_width(found: Estimate, alpha: float) -> float:
    """Return the half-width of the interval at level 1 - `alpha`."""
    return t_quantile(alpha / 2, found.freedom) * found.error + found.slack


def detectable(found: Estimate, alpha: float) -> float:
    """Return the smallest difference that a two-sided test at `alpha` finds with a power of 80 %."""
    return noncentrality(found.freedom, alpha) * found.error + found.slack


def t_quantile(tail: float, freedom: int) -> float:
    """Return the point above which Student's t lies with probability `tail`."""
    from scipy import special

    return float(-special.stdtrit(freedom, tail))


@functools.cache
def noncentrality(freedom: int, alpha: float) -> float:
    """Return the difference, in standard errors, that a two-sided t test at `alpha` finds with a power of 80 %.

    The chance to find it with the wrong sign is left out: at 80 % it is nil, and its computation can fail.
    """
    from scipy.optimize import brentq
    from statsmodels.stats.power import ttest_power

    def missing(effect: float) -> float:
        return float(ttest_power(effect, nobs=1, alpha=alpha / 2, df=freedom, alternative="larger")) - POWER

    return float(brentq(missing, 0.1, t_quantile(alpha / 2, freedom) * 3 + 3, xtol=1e-4))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for each other by Holm's procedure, in their order."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]]


def dunnett(arms: Sequence[Array], control: Array, alpha: float) -> tuple[list[float], list[tuple[float, float]]]:
    """Return adjusted p and the joint intervals at level 1 - `alpha` for each arm minus one control (Dunnett 1955).

    Its integral is by quasi-Monte Carlo; the generator is fixed so that the same values give the same verdict.
    """
    from scipy import stats

    found = stats.dunnett(*arms, control=control, rng=np.random.default_rng(0))
    joint = found.confidence_interval(1 - alpha)
    bounds = [(float(low), float(high)) for low, high in zip(joint.low, joint.high, strict=True)]
    return [float(p) for p in found.pvalue], bounds
