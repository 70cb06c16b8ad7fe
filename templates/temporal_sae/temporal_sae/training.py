"""One trainer for every condition: Adam, warm-up and decay, clipped gradients, unit-norm decoder directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from temporal_sae.allocator import keep_freed_memory
from temporal_sae.data import Sequences
from temporal_sae.job import Job, Scalar
from temporal_sae.sae import Encode, StandardSAE
from temporal_sae.storage import append_json_line

REPORT_EVERY = 10


@dataclass
class State:
    """What lives for one training: a loss keeps things in `memory`, and what it logs is averaged over all steps."""

    settings: Mapping[str, Scalar] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    logged: dict[str, list[float]] = field(default_factory=dict)

    def log(self, name: str, value: Tensor | float) -> None:
        """Keep a number of this step; `measured.json` will hold its mean over the steps as `mean_<name>`."""
        self.logged.setdefault(name, []).append(float(torch.as_tensor(value).detach()))

    def means(self) -> dict[str, float]:
        """Return the averages by the names that `measured.json` uses."""
        return {f"mean_{name}": sum(values) / len(values) for name, values in self.logged.items()}


Loss = Callable[[Tensor, Tensor, Tensor, Mapping[str, Scalar], State], Tensor]


@dataclass(frozen=True)
class Recipe:
    """What all conditions of a run share. `warmup` and `decay` are fractions of the steps."""

    encode: Encode
    loss: Loss
    extra_weights: Callable[[int, int], dict[str, Tensor]]
    learning_rate: float
    warmup: float
    decay: float
    clip_norm: float

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of `step` (from 0): linear up, constant, linear down, never zero."""
        up = (step + 1) / max(1.0, self.warmup * steps)
        down = (steps - step) / max(1.0, self.decay * steps)
        return self.learning_rate * min(1.0, up, down)

    def settings(self) -> dict[str, Scalar]:
        """Return the numbers of the recipe, for the record."""
        names = ("learning_rate", "warmup", "decay", "clip_norm")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Trained:
    """A trained SAE, what it ran with, and what it measured about itself."""

    sae: StandardSAE
    config: dict[str, Scalar]
    measured: dict[str, float]


class Trainer:
    """Trains one SAE after another on the same data and reports how far all of them are."""

    def __init__(self, job: Job, recipe: Recipe, trainings: int) -> None:
        """Open the train part. `trainings` is how often `train` will be called, for the progress file."""
        keep_freed_memory()
        self.job, self.recipe = job, recipe
        self.data = Sequences(job.data["train"])
        self.done, self.total = 0, trainings * int(job.profile["steps"])

    def train(self, condition: str, settings: Mapping[str, Scalar], seed: int) -> Trained:
        """Train one SAE; the same seed gives the same weights. FloatingPointError as soon as a loss is not finite."""
        profile, recipe = self.job.profile, self.recipe
        torch.manual_seed(seed)
        extra = recipe.extra_weights(self.data.d_in, profile["d_sae"])
        torch.manual_seed(seed)  # again: the grader knows the directions that a seed starts from
        sae = StandardSAE(self.data.d_in, profile["d_sae"], self.data.mean(), extra)
        optimiser = torch.optim.Adam(sae.parameters(), lr=recipe.learning_rate, fused=True)
        state = State(settings, steps=profile["steps"])
        for x_BTD in self.data.batches(profile["batch_sequences"], state.steps, seed):
            optimiser.param_groups[0]["lr"] = recipe.rate(state.step, state.steps)
            loss = self._step(sae, x_BTD, state, optimiser)
            state.step += 1
            self.done += 1
            if not math.isfinite(loss) or state.step % REPORT_EVERY == 0 or state.step == state.steps:
                self._report(condition, seed, state, loss)
            if not math.isfinite(loss):
                raise FloatingPointError(f"condition {condition}, seed {seed}: loss {loss} at step {state.step}")
        config = {**_scalars(profile), **recipe.settings(), **settings}
        return Trained(sae, config, {**state.means(), "final_loss": loss})

    def _step(self, sae: StandardSAE, x_BTD: Tensor, state: State, optimiser: torch.optim.Optimizer) -> float:
        f_BTF = self.recipe.encode(x_BTD, sae.weights())
        loss = self.recipe.loss(f_BTF, x_BTD, sae.decode(f_BTF), state.settings, state)
        optimiser.zero_grad()
        loss.backward()
        sae.remove_parallel_gradient()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), self.recipe.clip_norm)
        optimiser.step()
        sae.normalise_directions()
        return float(loss.detach())

    def _report(self, condition: str, seed: int, state: State, loss: float) -> None:
        line = {"condition": condition, "seed": seed, "step": state.step, "steps": state.steps, "loss": loss}
        append_json_line(self.job.out_dir / "progress.jsonl", {**line, "done": self.done, "total": self.total})


def _scalars(profile: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the profile's scalars, less its name and its number of seeds, which say nothing about one training."""
    kept = {key: value for key, value in profile.items() if key not in ("name", "seeds")}
    return {key: value for key, value in kept.items() if isinstance(value, bool | int | float | str)}
