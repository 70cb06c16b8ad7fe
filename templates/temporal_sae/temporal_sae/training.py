"""One trainer for every architecture: Adam, warm-up and decay, clipped gradients, unit-norm decoder directions."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from temporal_sae import sparse
from temporal_sae.allocator import keep_freed_memory
from temporal_sae.checkpoints import Checkpoint, checkpoint_path
from temporal_sae.data import Sequences
from temporal_sae.device import choose_device, precision
from temporal_sae.job import Job, Scalar
from temporal_sae.resampling import draw_inputs, replace_features
from temporal_sae.sae import Encode, SparseAutoencoder
from temporal_sae.storage import append_json_line

REPORT_EVERY = 10
CHECKPOINT_S = 600.0


@dataclass
class State:
    """What lives for one training: a loss keeps things in `memory`, and what it logs is averaged over all steps.

    `weights` are those that the codes were made with; `dead` (bool) are features that have not fired for a while.
    `memory` may hold tensors, numbers, text, lists and dicts: what a checkpoint can keep.
    """

    settings: Mapping[str, Scalar] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    logged: dict[str, list[float]] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    dead: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))

    def log(self, name: str, value: Tensor | float) -> None:
        """Keep a number of this step; `measured.json` will hold its mean over the steps as `mean_<name>`."""
        self.logged.setdefault(name, []).append(float(torch.as_tensor(value).detach()))

    def means(self) -> dict[str, float]:
        """Return the averages by the names that `measured.json` uses."""
        return {f"mean_{name}": sum(values) / len(values) for name, values in self.logged.items()}


Loss = Callable[[Tensor, Tensor, Tensor, Mapping[str, Scalar], State], Tensor]


class Architecture(Protocol):
    """What the trainer needs of one; `temporal_sae.architectures` has those there are."""

    __name__: str
    ENCODER_NORM: float

    def initial_weights(self, d_in: int, d_sae: int, settings: Mapping[str, Scalar]) -> dict[str, Tensor]:
        """Return weights beyond the usual four; those that require a gradient are trained."""


@dataclass(frozen=True)
class Recipe:
    """What all conditions of a run share. `warmup` and `decay` are fractions of the steps.

    A feature is dead when it has not fired for `dead_after` tokens. Every `resample_every` steps dead features start
    anew (0: never).
    """

    architecture: Architecture
    encode: Encode
    loss: Loss
    extra_weights: Callable[[int, int], dict[str, Tensor]]
    learning_rate: float
    warmup: float
    decay: float
    clip_norm: float
    dead_after: int
    resample_every: int

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of `step` (from 0): linear up, constant, linear down, never zero."""
        up = (step + 1) / max(1.0, self.warmup * steps)
        down = (steps - step) / max(1.0, self.decay * steps)
        return self.learning_rate * min(1.0, up, down)

    def resamples(self, step: int, steps: int) -> bool:
        """Say whether dead features start anew after `step`: not once the rate falls, when they couldn't learn."""
        return self.resample_every > 0 and (step + 1) % self.resample_every == 0 and step + 1 < steps * (1 - self.decay)

    def settings(self) -> dict[str, Scalar]:
        """Return the architecture's name and the numbers of the recipe, for the record."""
        names = ("learning_rate", "warmup", "decay", "clip_norm", "dead_after", "resample_every")
        return {"architecture": self.architecture.__name__.split(".")[-1], **{n: getattr(self, n) for n in names}}

    def source_sha256(self) -> str:
        """Return the hash of the file that defines the loss."""
        return hashlib.sha256(Path(inspect.getfile(self.loss)).read_bytes()).hexdigest()


@dataclass(frozen=True)
class Trained:
    """A trained SAE, on the CPU, what it ran with, and what it measured about itself."""

    sae: SparseAutoencoder
    config: dict[str, Scalar]
    measured: dict[str, float]


class Training:
    """One SAE on its way: everything that a step changes."""

    def __init__(self, sae: SparseAutoencoder, recipe: Recipe, state: State, profile: Mapping[str, Any]) -> None:
        """Move the SAE to the profile's device, where its weights stay in float32."""
        self.device = choose_device(str(profile.get("device", "cpu")))
        self.precision = precision(self.device, str(profile.get("dtype", "fp32")))
        self.sae, self.recipe, self.state = sae.to(self.device), recipe, state
        self.optimiser = torch.optim.Adam(sae.parameters(), lr=recipe.learning_rate, fused=True)
        self.unfired_F = torch.zeros(sae.W_dec.shape[0], dtype=torch.long, device=self.device)  # tokens since a code

    def step(self, x_BTD: Tensor) -> float:
        """Take one step on a batch and return its loss."""
        sae, recipe, state = self.sae, self.recipe, self.state
        self.optimiser.param_groups[0]["lr"] = recipe.rate(state.step, state.steps)
        x_BTD = x_BTD.to(self.device)
        state.weights, state.dead = sae.weights(), self.unfired_F >= recipe.dead_after
        with self.precision:
            f_BTF = recipe.encode(x_BTD, state.weights)
            x_hat_BTD = sae.decode(f_BTF)
        f_BTF, x_hat_BTD = f_BTF.float(), x_hat_BTD.float()
        loss = recipe.loss(f_BTF, x_BTD, x_hat_BTD, state.settings, state)
        self.optimiser.zero_grad()
        loss.backward()
        sae.remove_parallel_gradient()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), recipe.clip_norm)
        self.optimiser.step()
        sae.normalise_directions()
        self.unfired_F += x_BTD.shape[0] * x_BTD.shape[1]
        self.unfired_F[sparse.fired(f_BTF)] = 0
        if recipe.resamples(state.step, state.steps):
            self._resample(x_BTD, x_hat_BTD.detach())
        state.step += 1
        return float(loss.detach())

    def _resample(self, x_BTD: Tensor, x_hat_BTD: Tensor) -> None:
        dead_G = (self.unfired_F >= self.recipe.dead_after).nonzero().squeeze(1)
        inputs_GD = draw_inputs(x_BTD - self.sae.b_dec.detach(), x_BTD - x_hat_BTD, len(dead_G))
        replace_features(self.sae, self.optimiser, dead_G[: len(inputs_GD)], inputs_GD)
        self.unfired_F[dead_G[: len(inputs_GD)]] = 0

    def snapshot(self) -> dict[str, Any]:
        """Return all that `restore` needs to go on as if nothing had happened."""
        return {
            "sae": self.sae.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "unfired": self.unfired_F,
            "state": {name: getattr(self.state, name) for name in ("step", "memory", "logged")},
            "random": [torch.get_rng_state(), *torch.cuda.get_rng_state_all()],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.sae.load_state_dict(snapshot["sae"])
        self.optimiser.load_state_dict(snapshot["optimiser"])
        self.unfired_F.copy_(snapshot["unfired"])
        for name, value in snapshot["state"].items():
            setattr(self.state, name, value)
        torch.set_rng_state(snapshot["random"][0].cpu())
        torch.cuda.set_rng_state_all([state.cpu() for state in snapshot["random"][1:]])


class Trainer:
    """Trains one SAE after another on the same data and reports how far all of them are."""

    def __init__(self, job: Job, recipe: Recipe, trainings: int) -> None:
        """Open the train part. `trainings` is how often `train` will be called, for the progress file."""
        keep_freed_memory()
        self.job, self.recipe = job, recipe
        self.data = Sequences(job.data["train"])
        self.done, self.total = 0, trainings * int(job.profile["steps"])

    def train(self, condition: str, settings: Mapping[str, Scalar], seed: int) -> Trained:
        """Train one SAE; the same seed gives the same weights. FloatingPointError as soon as a loss is not finite.

        A long training leaves a checkpoint now and then, and one that finds its own goes on from there.
        """
        profile = self.job.profile
        training = self._start(settings, seed)
        state = training.state
        config = {**_scalars(profile), **self.recipe.settings(), **settings}
        checkpoint = self._checkpoint(condition, {**config, "seed": seed, "source": self.recipe.source_sha256()})
        batches = self.data.batches(profile["batch_sequences"], state.steps, seed)
        checkpoint.resume(training)
        self.done += state.step
        for x_BTD in islice(batches, state.step, None):
            loss = training.step(x_BTD)
            self.done += 1
            if not math.isfinite(loss) or state.step % REPORT_EVERY == 0 or state.step == state.steps:
                self._report(condition, seed, state, loss)
            if not math.isfinite(loss):
                raise FloatingPointError(f"condition {condition}, seed {seed}: loss {loss} at step {state.step}")
            if state.step < state.steps:
                checkpoint.keep(training)
        return Trained(training.sae.cpu(), config, {**state.means(), "final_loss": loss})

    def _start(self, settings: Mapping[str, Scalar], seed: int) -> Training:
        profile, recipe, d_in = self.job.profile, self.recipe, self.data.d_in
        torch.manual_seed(seed)
        extra = {name: tensor.requires_grad_() for name, tensor in recipe.extra_weights(d_in, profile["d_sae"]).items()}
        extra |= recipe.architecture.initial_weights(d_in, profile["d_sae"], settings)
        torch.manual_seed(seed)  # again: the grader knows the directions that a seed starts from
        norm = recipe.architecture.ENCODER_NORM
        sae = SparseAutoencoder(d_in, profile["d_sae"], self.data.mean(), extra, norm)
        return Training(sae, recipe, State(settings, steps=profile["steps"]), profile)

    def _checkpoint(self, condition: str, about: Mapping[str, Scalar]) -> Checkpoint:
        artefact = self.job.out_dir / condition / f"seed_{about['seed']}"
        return Checkpoint(checkpoint_path(artefact), about, float(self.job.profile.get("checkpoint_s", CHECKPOINT_S)))

    def _report(self, condition: str, seed: int, state: State, loss: float) -> None:
        line = {"condition": condition, "seed": seed, "step": state.step, "steps": state.steps, "loss": loss}
        append_json_line(self.job.out_dir / "progress.jsonl", {**line, "done": self.done, "total": self.total})


def _scalars(profile: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the profile's scalars, less its name and its number of seeds, which say nothing about one training."""
    kept = {key: value for key, value in profile.items() if key not in ("name", "seeds")}
    return {key: value for key, value in kept.items() if isinstance(value, bool | int | float | str)}
