"""Differences between two runs or points, and whether they may be set side by side. Pure.

A comparison is made in three steps, each of which can end it as `not comparable`: names become samples (conditions
over seeds), samples become a contrast (`match`), a contrast becomes an estimate (`inference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from orchestrator.evidence import inference
from orchestrator.evidence.inference import Estimate
from orchestrator.evidence.match import (
    SAME,
    Contrast,
    Curve,
    NotComparable,
    Sample,
    ratio,
    through_curve,
    with_curve,
)
from orchestrator.evidence.samples import Pair, pair_of
from orchestrator.records import Evidence, Verdict

ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Compared:
    """A pair that could be compared, with the estimate of its difference."""

    pair: Pair
    contrast: Contrast
    found: Estimate

    def words(self, correction: str) -> str:
        """Say how the difference was tested; `correction` says what was done about other tests."""
        if self.found.pooled:
            rows = len(self.contrast.values_cn)
            spread = f"variance pooled over {rows} conditions with seeds as blocks, or its own where larger"
        else:
            spread = "its own variance over seeds, which is significantly larger than the pooled one"
        test = f"t test with {self.found.freedom} degrees of freedom, {spread}"
        return "; ".join(part for part in (test, self.contrast.words, correction) if part)


def difference(
    evidence: Evidence, names: tuple[str, str], metric: str, equal_settings: tuple[str, ...] = (), split: str = "test"
) -> Verdict:
    """Return the exploratory difference of two runs or points, arm first: a 95 % interval of its own, and no verdict.

    The verdict is `not comparable`, with the reason, where the two may not be set side by side.
    """
    arm, reference = names
    empty = Verdict(hypothesis=None, arm=arm, reference=reference, metric=metric)
    try:
        compared = compare(pair_of(evidence, names, metric, split), equal_settings)
    except NotComparable as why:
        return empty.model_copy(update={"verdict": "not comparable", "reason": str(why)})
    found, half = compared.found, inference.half_width(compared.found, ALPHA)
    return empty.model_copy(
        update={
            "difference": found.difference,
            "interval": (found.difference - half, found.difference + half),
            "test": compared.words("not adjusted for other comparisons"),
            "matched_on": compared.pair.match,
            "reason": compared.contrast.caution,
        }
    )


def compare(pair: Pair, equal_settings: tuple[str, ...] = ()) -> Compared:
    """Estimate the difference of a pair; raises NotComparable."""
    pair.require_equal(equal_settings)
    contrast = _contrast(pair)
    found = inference.estimate(contrast.values_cn, contrast.weights, contrast.slack)
    if found.error == 0:
        raise NotComparable(
            f"{pair.spec.name} does not vary over seeds, so nothing says how far a difference is chance"
        )
    return Compared(pair, contrast, found)


def _contrast(pair: Pair) -> Contrast:
    arm = pair.arm.only()
    if pair.match is None:
        return _plain(arm, pair.reference.only(), pair.others)
    if len(pair.reference.samples) > 1:
        return with_curve(arm, Curve(pair.reference.samples))
    other = pair.reference.only()
    apart = ratio(arm, other)
    try:
        return through_curve(arm, other, Curve(pair.curve))
    except NotComparable as why:
        if apart > SAME:
            raise NotComparable(f"{pair.match} differs by a factor of {apart:.2f}, and {why}") from why
        caution = f"{pair.match} agrees within {apart - 1:.1%}; what is left is not corrected, since {why}"
        return replace(_plain(arm, other, ()), caution=caution)


def _plain(arm: Sample, reference: Sample, others: Sequence[Sample]) -> Contrast:
    rows = [arm, reference, *(sample for sample in others if sample not in (arm, reference))]
    weights = np.array([1.0, -1.0] + [0.0] * (len(rows) - 2))
    return Contrast(np.stack([sample.values for sample in rows]), weights)
