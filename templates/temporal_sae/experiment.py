"""Train sparse autoencoders on sequences of activations: python experiment.py --out_dir=run_i."""

from __future__ import annotations

from collections.abc import Mapping

import torch  # noqa: F401 - an encoder or a loss will want it
from temporal_sae import architectures
from temporal_sae.artefacts import artefact_folder, save_artefact
from temporal_sae.data import Sequences
from temporal_sae.job import Earlier, Scalar, read_job
from temporal_sae.temporal import mean_squared_error
from temporal_sae.training import Recipe, State, Trainer
from temporal_sae.tuning import Tuned, trials, tune
from torch import Tensor

ARCHITECTURE = architectures.standard  # or .topk, .batch_topk, .jump_relu: encoder, penalty, and their settings
LEARNING_RATE = 1e-2  # Adam's step at its highest
WARMUP = 0.05  # part of the steps in which the learning rate rises
DECAY = 0.2  # part of the steps, at the end, in which it falls
CLIP_NORM = 1.0  # gradients longer than this are scaled down to it
DEAD_AFTER = 20_000  # tokens without firing, after which a feature is dead
RESAMPLE_EVERY = 1000  # steps after which dead features start anew; 0 is never

# What is trained, each once for every seed: a condition's name, and the settings that `loss` gets.
# A setting may be Earlier("run_1", "mean_alpha"): what run_1 measured, averaged over its seeds; or, for instance,
# Tuned(l0=60, low=2e-4, high=2e-3): searched in 4 trainings on one more seed, until L0 on the tune part is 60.
CONDITIONS: dict[str, dict[str, Scalar | Earlier | Tuned]] = {
    "l1=0.00100": {"l1": 0.00100},
    "l1=0.00112": {"l1": 0.00112},
    "l1=0.00126": {"l1": 0.00126},
    "l1=0.00141": {"l1": 0.00141},
    "l1=0.00158": {"l1": 0.00158},
}


def encode(x_BTD: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return codes f (B, T, F) of whole sequences. The grader runs this alone, too: no later token may matter."""
    return ARCHITECTURE.encode(x_BTD, weights)


def loss(f_BTF: Tensor, x_BTD: Tensor, x_hat_BTD: Tensor, settings: Mapping[str, Scalar], state: State) -> Tensor:
    """Return what is minimised: the squared error per dimension, and what keeps the codes sparse."""
    reconstruction = mean_squared_error(x_BTD, x_hat_BTD)
    state.log("reconstruction", reconstruction)
    return reconstruction + ARCHITECTURE.penalty(f_BTF, x_BTD, x_hat_BTD, settings, state)


def extra_weights(d_in: int, d_sae: int) -> dict[str, Tensor]:
    """Return initial values of trained weights beyond the usual four, which `encode` then finds by their names."""
    return {}


def main() -> None:
    """Train every condition with every seed, and leave what the grader needs."""
    job = read_job(__doc__)
    conditions = job.resolve(CONDITIONS)
    functions = (ARCHITECTURE, encode, loss, extra_weights)
    recipe = Recipe(*functions, LEARNING_RATE, WARMUP, DECAY, CLIP_NORM, DEAD_AFTER, RESAMPLE_EVERY)
    trainer = Trainer(job, recipe, trainings=len(conditions) * len(job.seeds) + trials(conditions))
    sample_BTD = Sequences(job.data["tune"]).batch(slice(0, 4))
    for condition, searched in conditions.items():
        settings = tune(condition, searched, trainer, encode)
        for seed in job.seeds:
            trained = trainer.train(condition, settings, seed)
            save_artefact(artefact_folder(job.out_dir, condition, seed), trained, encode, sample_BTD)


if __name__ == "__main__":
    main()
