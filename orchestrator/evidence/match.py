"""Comparison at an equal value of another metric ("matched"): through the baseline's curve. Pure.

The baseline's curve is interpolated over the logarithm of the matched metric by a cubic through the five points nearest
to where it is wanted, fitted by least squares to means over seeds. That is a weighted sum of the points' means with
weights that add up to 1, so that a comparison stays a contrast of conditions. To first order, a condition that lands at
another place by u moves along the curve by slope * u; each seed's value is freed of that, which puts the spread of the
matched metric in the arm and in the curve, and its correlation with the compared one, into the noise (the delta
method; compare York 1966 for lines with errors in both coordinates).

Two arms are compared as the difference of their distances from the curve. Within 3 % of each other this only removes
what is left of the mismatch. Further apart it assumes that an arm's distance from the curve is the same at both places,
which nobody has measured, so half of the curve's own change between them is added to the interval on both sides; beyond
one step of 1.3x they are not comparable.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.evidence.inference import Array, block_variance, t_quantile

POINTS = 5
DEGREE = 3
MAX_STEP = 1.3
SAME = 1.03
PARALLEL_SHARE = 0.5


class NotComparable(Exception):  # noqa: N818
    """Two conditions can't be compared; the message says why, for a reader of the paper."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One condition over n seeds: its name, the compared metric and, where there is one, the matched metric."""

    name: str
    seeds: tuple[int, ...]
    values: Array
    matched: Array | None = None

    @functools.cached_property
    def places(self) -> Array:
        """The logarithm of the matched metric, for each seed; raises NotComparable where it has none."""
        if self.matched is None or (self.matched <= 0).any():
            raise NotComparable(f"{self.name} has no positive value of the matched metric for every seed")
        return np.log(self.matched)

    @functools.cached_property
    def place(self) -> float:
        """The mean over seeds of `places`."""
        return float(self.places.mean())


@dataclass(frozen=True, eq=False)
class Contrast:
    """What is compared, ready to be estimated: rows are conditions, columns seeds, and `weights` one for each row."""

    values_cn: Array
    weights: Array
    slack: float = 0.0
    words: str = ""
    caution: str = ""


@dataclass(frozen=True, eq=False)
class Fit:
    """The curve at one place: its value there is `weights` times the points' means, 0 for points not used."""

    weights: Array
    slope: float
    value: float


class Curve:
    """A baseline's conditions as a curve of the compared metric over the matched one."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Order the points; raises NotComparable where there are fewer than five."""
        if len(samples) < POINTS:
            raise NotComparable(f"a matched comparison needs a curve of {POINTS} points, and there are {len(samples)}")
        self.samples = sorted(samples, key=lambda sample: sample.place)
        self.places = np.array([sample.place for sample in self.samples])
        self.means = np.array([sample.values.mean() for sample in self.samples])

    def fit(self, place: float, around: float | None = None) -> Fit:
        """Return the cubic through the points nearest to `around` (or `place`) at `place`, a logarithm."""
        used = self._window(place if around is None else around)
        powers = np.vander(self.places[used] - place, DEGREE + 1, increasing=True)
        solve = np.linalg.pinv(powers)
        weights = np.zeros(len(self.samples))
        weights[used] = solve[0]
        return Fit(weights, float(solve[1] @ self.means[used]), float(solve[0] @ self.means[used]))

    def require(self, sample: Sample) -> None:
        """Raise NotComparable where `sample` lies off the curve, or between points more than 1.3x apart."""
        if not self.places[0] <= sample.place <= self.places[-1]:
            low, high = np.exp(self.places[[0, -1]])
            where = f"{math.exp(sample.place):.4g} lies outside the curve's {low:.4g} to {high:.4g}"
            raise NotComparable(f"{sample.name} at {where}, and nothing is extrapolated")
        left, right = self._neighbours(sample.place)
        step = math.exp(self.places[right] - self.places[left])
        if step > MAX_STEP:
            raise NotComparable(f"the curve's points around {sample.name} are {step:.2f}x apart, over {MAX_STEP}x")

    def noise(self, sample: Sample) -> Array:
        """Return the sample's values, for each seed, freed of its movement along the curve."""
        return sample.values - self.fit(sample.place).slope * (sample.places - sample.place)

    @functools.cached_property
    def noise_cn(self) -> Array:
        """`noise` of every point, (conditions, seeds)."""
        return np.stack([self.noise(sample) for sample in self.samples])

    def misfit(self, place: float) -> float:
        """Return how far the neighbours of `place` lie from a cubic through the other points, beyond their noise.

        0 where a smooth curve and the spread over seeds explain all of it (at 99 %), as they nearly always do.
        """
        used = self._window(place)
        powers = np.vander(self.places[used] - place, DEGREE + 1, increasing=True)
        hat = powers @ np.linalg.pinv(powers)
        rest = 1 - np.diag(hat)
        left_out = np.abs(self.means[used] - hat @ self.means[used]) / rest
        seeds = self.noise_cn.shape[1]
        quantile = t_quantile(0.005, (len(self.samples) - 1) * (seeds - 1))
        excess = left_out - quantile * np.sqrt(block_variance(self.noise_cn) / seeds / rest)
        inner = [index - used.start for index in self._neighbours(place) if used.start < index < used.stop - 1]
        return max(0.0, float(excess[inner].max()))

    def _neighbours(self, place: float) -> tuple[int, int]:
        right = int(np.clip(np.searchsorted(self.places, place), 1, len(self.places) - 1))
        return right - 1, right

    def _window(self, place: float) -> slice:
        starts = range(len(self.places) - POINTS + 1)
        start = min(starts, key=lambda n: max(abs(self.places[n] - place), abs(self.places[n + POINTS - 1] - place)))
        return slice(start, start + POINTS)


def with_curve(arm: Sample, curve: Curve) -> Contrast:
    """Return `arm` minus the curve at the arm's own place; raises NotComparable off the curve."""
    curve.require(arm)
    here = curve.fit(arm.place)
    words = f"against the baseline's curve, a cubic through the {POINTS} of {len(curve.samples)} points nearest"
    return Contrast(_rows(curve, [arm]), np.append(-here.weights, 1.0), curve.misfit(arm.place), words)


def through_curve(arm: Sample, other: Sample, curve: Curve) -> Contrast:
    """Return the difference of two arms' distances from the curve; raises NotComparable (see the module's words)."""
    curve.require(arm)
    curve.require(other)
    apart = ratio(arm, other)
    if apart > MAX_STEP:
        raise NotComparable(f"{arm.name} and {other.name} are {apart:.2f}x apart, over {MAX_STEP}x")
    # the same five points for both, so that their noise cancels
    around = (arm.place + other.place) / 2 if apart <= SAME else None
    here, there = curve.fit(arm.place, around), curve.fit(other.place, around)
    added = [sample for sample in (arm, other) if sample not in curve.samples]
    rows = [*curve.samples, *added]
    weights = np.zeros(len(rows))
    weights[: len(curve.samples)] = there.weights - here.weights
    weights[rows.index(arm)] += 1
    weights[rows.index(other)] -= 1
    words = "as a difference of distances from the baseline's curve"
    if apart <= SAME:
        return Contrast(_rows(curve, added), weights, 0.0, words)
    misfit = max(curve.misfit(arm.place), curve.misfit(other.place))
    slack = PARALLEL_SHARE * abs(here.value - there.value) + misfit
    caution = f"{apart:.2f}x apart; half of the curve's change between them is added to the interval"
    return Contrast(_rows(curve, added), weights, slack, words, caution)


def ratio(one: Sample, other: Sample) -> float:
    """Return how many times larger the larger of two matched metrics is, by their geometric means over seeds."""
    return math.exp(abs(one.place - other.place))


def _rows(curve: Curve, added: Sequence[Sample]) -> Array:
    return np.stack([*curve.noise_cn, *(curve.noise(sample) for sample in added)])
