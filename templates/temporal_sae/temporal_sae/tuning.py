"""A setting that is searched until L0 on the tune part is what was asked for; every trial is made and counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from temporal_sae.data import Sequences
from temporal_sae.job import Scalar
from temporal_sae.sae import Encode
from temporal_sae.training import Trained, Trainer


@dataclass(frozen=True)
class Tuned:
    """A setting's value between `low` and `high` for which L0 on tune is `l0`; found in `trials` whole trainings."""

    l0: float
    low: float
    high: float
    trials: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high or self.l0 <= 0 or self.trials < 1:
            raise ValueError(f"{self}: 0 < low < high, l0 > 0 and at least one trial are needed")


def trials(conditions: Mapping[str, Mapping[str, object]]) -> int:
    """Return how many trainings the searches of all conditions take."""
    values = [value for settings in conditions.values() for value in settings.values()]
    return sum(value.trials for value in values if isinstance(value, Tuned))


def tune(condition: str, settings: Mapping[str, Scalar | Tuned], trainer: Trainer, encode: Encode) -> dict[str, Scalar]:
    """Return the settings with the Tuned one as a number, and with what the search was: how, how often, how near.

    L0 is taken as a falling power of the setting. The first trial lies in the middle of the (logarithmic) range, each
    later one where a line through two trials puts it, on either side of the target as soon as there are such (regula
    falsi); none leaves the range. The seed is one that no result comes from. All trials are made even after a hit, so
    that arms which ask for the same number had the same chances. ValueError for more than one Tuned setting.
    """
    searched = {name: value for name, value in settings.items() if isinstance(value, Tuned)}
    fixed = {name: value for name, value in settings.items() if not isinstance(value, Tuned)}
    if not searched:
        return fixed
    if len(searched) > 1:
        raise ValueError(f"condition {condition}: only one setting can be tuned, not {sorted(searched)}")
    ((name, wanted),) = searched.items()
    data, seed = Sequences(trainer.job.data["tune"]), (trainer.job.seeds[0] + 1) % 2**31
    found: list[tuple[float, float]] = []  # log setting, log L0
    for trial in range(wanted.trials):
        value = math.exp(_next(wanted, found))
        trained = trainer.train(f"{condition}.tuning{trial + 1}", {**fixed, name: value}, seed)
        found.append((math.log(value), math.log(max(mean_l0(trained, encode, data), 1e-6))))
    place, reached = min(found, key=lambda one: abs(one[1] - math.log(wanted.l0)))
    record = {"tuned_setting": name, "tuning_trials": wanted.trials, "tuning_l0": wanted.l0}
    return {**fixed, name: math.exp(place), **record, "tuned_l0": round(math.exp(reached), 3)}


@torch.inference_mode()
def mean_l0(trained: Trained, encode: Encode, data: Sequences, batch: int = 16) -> float:
    """Return active features per token over all sequences, with codes rounded to bfloat16 as the grader rounds them."""
    weights, active = trained.sae.weights(), 0.0
    for start in range(0, len(data), batch):
        f_BTF = encode(data.batch(slice(start, start + batch)), weights)
        active += float((f_BTF.to(torch.bfloat16) != 0).sum())
    return active / (len(data) * data.context)


def _next(wanted: Tuned, found: list[tuple[float, float]]) -> float:
    low, high, target = math.log(wanted.low), math.log(wanted.high), math.log(wanted.l0)
    if not found:
        return (low + high) / 2
    sparser = min((one for one in found if one[1] <= target), default=None)
    denser = max((one for one in found if one[1] > target), default=None)
    if sparser and denser:
        share = (denser[1] - target) / (denser[1] - sparser[1])
        return denser[0] + (sparser[0] - denser[0]) * min(0.9, max(0.1, share))
    # All on one side: along the line through the two that are nearest, or a slope of -1 through the only one.
    (place, reached), *others = sorted(found, key=lambda one: abs(one[1] - target))
    slope = (others[0][1] - reached) / (others[0][0] - place) if others and others[0][0] != place else -1.0
    return min(high, max(low, place + (target - reached) / min(slope, -0.1)))
