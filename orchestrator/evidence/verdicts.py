"""Verdicts on the frozen hypotheses, all of which together are wrong in at most 5 % of studies. Pure.

Hypotheses that were frozen together are a round. The rounds share the 5 % in parts that are fixed in advance, 4 %,
0.8 %, 0.16 % and so on. One family that grows as results come in would not keep its level: who re-plans only after a
disappointment would test at the full level when the first results please, and get another try when they don't.

Within a round it is Dunnett's test where all hypotheses compare with the same unmatched condition in one metric, else
Holm's procedure. Only a metric's declared direction makes a difference better or worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.evidence import inference
from orchestrator.evidence.compare import ALPHA, Compared, compare
from orchestrator.evidence.match import NotComparable
from orchestrator.evidence.samples import pair_of, require_fresh, run_called
from orchestrator.records import Evidence, Hypothesis, Interval, MetricSpec, OutcomeWord, Verdict, VerdictWord

FIRST_ROUND = 0.8


@dataclass(frozen=True)
class Judged:
    """What the test of a hypothesis says: p adjusted for all others, an interval that holds jointly with theirs."""

    p: float
    interval: Interval
    words: str


def judge(evidence: Evidence, equal_settings: tuple[str, ...] = ()) -> tuple[Verdict, ...]:
    """Return a verdict for every hypothesis of `evidence`, in order, from what was measured on the test part."""
    verdicts: dict[str, Verdict] = {}
    for hypotheses, alpha in _rounds(evidence.hypotheses):
        usable: dict[str, Compared] = {}
        for one in hypotheses:
            try:
                usable[one.id] = _compared(evidence, one, equal_settings)
            except NotComparable as why:
                verdicts[one.id] = _undecided(evidence, one, str(why))
        judged = _dunnett(hypotheses, usable, alpha) or _holm(hypotheses, usable, alpha)
        for one in hypotheses:
            if one.id in usable:
                verdicts[one.id] = _verdict(one, usable[one.id], judged[one.id], alpha / len(hypotheses))
    return tuple(verdicts[one.id] for one in evidence.hypotheses)


def _rounds(hypotheses: Sequence[Hypothesis]) -> Iterator[tuple[list[Hypothesis], float]]:
    for index, known in enumerate(sorted({one.frozen_after for one in hypotheses})):
        share = FIRST_ROUND * (1 - FIRST_ROUND) ** index
        yield [one for one in hypotheses if one.frozen_after == known], ALPHA * share


def _compared(evidence: Evidence, hypothesis: Hypothesis, equal_settings: tuple[str, ...]) -> Compared:
    names = (hypothesis.arm, hypothesis.reference)
    pair = pair_of(evidence, names, hypothesis.metric, "test", hypothesis.match)
    require_fresh(evidence, hypothesis, pair)
    if hypothesis.direction == "equivalent" and pair.spec.smallest_effect is None:
        raise NotComparable(f"{hypothesis.metric} declares no smallest interesting effect")
    return compare(pair, equal_settings)


def _undecided(evidence: Evidence, hypothesis: Hypothesis, reason: str) -> Verdict:
    return Verdict(
        hypothesis=hypothesis.id,
        arm=run_called(evidence, hypothesis.arm) or hypothesis.arm,
        reference=run_called(evidence, hypothesis.reference) or hypothesis.reference,
        metric=hypothesis.metric,
        verdict="not comparable",
        outcome="undecided",
        reason=reason,
    )


def _holm(hypotheses: Sequence[Hypothesis], usable: dict[str, Compared], alpha: float) -> dict[str, Judged]:
    """Judge by t tests under Holm's procedure; a hypothesis that can't be tested counts with p = 1.

    The intervals are Bonferroni's, less what Holm's later and less strict steps exclude, so that they agree with p.
    """
    raw = [_p(one, usable[one.id]) if one.id in usable else 1.0 for one in hypotheses]
    judged = {}
    for one, p in zip(hypotheses, inference.holm(raw), strict=True):
        if one.id not in usable:
            continue
        compared, adjusted = usable[one.id], min(1.0, p * ALPHA / alpha)
        half = inference.half_width(compared.found, alpha / len(hypotheses))
        interval = (compared.found.difference - half, compared.found.difference + half)
        if adjusted < ALPHA:
            interval = _without_null(interval, compared, one)
        words = compared.words(
            f"Holm's procedure over {len(hypotheses)} at {alpha:.2g}, this round's share of 0.05, to which p is scaled"
        )
        judged[one.id] = Judged(adjusted, interval, words)
    return judged


def _p(hypothesis: Hypothesis, compared: Compared) -> float:
    margin = compared.pair.spec.smallest_effect
    if hypothesis.direction == "equivalent" and margin is not None:
        return inference.p_of_equivalence(compared.found, margin)
    return inference.p_of_difference(compared.found)


def _without_null(interval: Interval, compared: Compared, hypothesis: Hypothesis) -> Interval:
    low, high = interval
    margin = compared.pair.spec.smallest_effect
    if hypothesis.direction == "equivalent" and margin is not None:
        return max(low, -margin), min(high, margin)
    return (max(low, 0.0), high) if compared.found.difference > 0 else (low, min(high, 0.0))


def _dunnett(hypotheses: Sequence[Hypothesis], usable: dict[str, Compared], alpha: float) -> dict[str, Judged]:
    """Judge by Dunnett's test; {} unless all are differences from one unmatched condition in one metric.

    It takes no account of seeds, which only makes it cautious where runs on the same seed resemble each other.
    """
    found = [usable[one.id] for one in hypotheses if one.id in usable]
    if len(found) < max(2, len(hypotheses)) or any(one.direction == "equivalent" for one in hypotheses):
        return {}
    if any(one.pair.match or not one.found.pooled for one in found):
        return {}
    if len({(one.pair.reference.only().name, one.pair.spec.name) for one in found}) > 1:
        return {}
    arms = [one.pair.arm.only().values for one in found]
    p_values, intervals = inference.dunnett(arms, found[0].pair.reference.only().values, alpha)
    words = f"Dunnett's test of {len(arms)} arms against one control at {alpha:.2g}, variance pooled over these"
    return {
        one.id: Judged(min(1.0, p * ALPHA / alpha), interval, words)
        for one, p, interval in zip(hypotheses, p_values, intervals, strict=True)
    }


def _verdict(hypothesis: Hypothesis, compared: Compared, judged: Judged, first_step: float) -> Verdict:
    spec, found = compared.pair.spec, compared.found
    word, outcome = (_equivalence if hypothesis.direction == "equivalent" else _direction)(hypothesis, compared, judged)
    reason = compared.contrast.caution
    if outcome == "confirmed" and word != "equivalent" and _inside(judged.interval, spec):
        reason = "; ".join(filter(None, (reason, "the difference is smaller than the smallest interesting one")))
    return Verdict(
        hypothesis=hypothesis.id,
        arm=compared.pair.arm.name,
        reference=compared.pair.reference.name,
        metric=hypothesis.metric,
        difference=found.difference,
        interval=judged.interval,
        p=judged.p,
        verdict=word,
        outcome=outcome,
        detectable=inference.detectable(found, first_step),
        test=judged.words,
        matched_on=compared.pair.match,
        reason=reason,
    )


def _direction(hypothesis: Hypothesis, compared: Compared, judged: Judged) -> tuple[VerdictWord | None, OutcomeWord]:
    spec, found = compared.pair.spec, compared.found
    if judged.p < ALPHA:
        as_predicted = (found.difference > 0) == (hypothesis.direction == "higher")
        return _word(found.difference, spec), "confirmed" if as_predicted else "contradicted"
    return "equivalent" if _inside(judged.interval, spec) else "inconclusive", "not supported"


def _equivalence(_hypothesis: Hypothesis, compared: Compared, judged: Judged) -> tuple[VerdictWord | None, OutcomeWord]:
    if judged.p < ALPHA:
        return "equivalent", "confirmed"
    low, high = judged.interval
    margin = compared.pair.spec.smallest_effect or 0.0
    word = "inconclusive" if low <= 0 <= high else _word(low, compared.pair.spec)
    return word, "contradicted" if low > margin or high < -margin else "not supported"


def _inside(interval: Interval, spec: MetricSpec) -> bool:
    return spec.smallest_effect is not None and max(abs(interval[0]), abs(interval[1])) < spec.smallest_effect


def _word(difference: float, spec: MetricSpec) -> VerdictWord | None:
    if spec.direction == "none":
        return None
    return "better" if (difference > 0) == (spec.direction == "higher") else "worse"
