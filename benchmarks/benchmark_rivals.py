"""One step and one loss for each trainer that benchmarks/training.py compares, by type of SAE."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "templates" / "temporal_sae"))

from temporal_sae import architectures  # noqa: E402  (the template's package lies beside, not in the environment)
from temporal_sae.allocator import keep_freed_memory  # noqa: E402
from temporal_sae.sae import SparseAutoencoder  # noqa: E402
from temporal_sae.temporal import l1_norm, mean_squared_error  # noqa: E402
from temporal_sae.training import Recipe, State, Training  # noqa: E402

TYPES = ("standard", "topk", "batch_topk", "jump_relu")
L1 = 0.001  # per dimension, as this project counts it; the others sum over dimensions, and get L1 * d_in
L0_WEIGHT = 0.0005
RATES = (1e-3, 3e-3, 1e-2)
# Of these, the one with the lowest final loss after 200 steps: `training.py --sweep` prints them all.
LEARNING_RATES = {
    "standard": {"ours": 3e-3, "dictionary-learning": 1e-2, "sae-lens": 3e-3},
    "topk": {"ours": 3e-3, "dictionary-learning": 3e-3, "sae-lens": 3e-3},
    "batch_topk": {"ours": 3e-3, "dictionary-learning": 3e-3, "sae-lens": 1e-2},
    "jump_relu": {"ours": 3e-3, "dictionary-learning": 1e-2, "sae-lens": 1e-2},
}


@dataclass(frozen=True)
class Plan:
    """Sizes and the schedule, the same for all."""

    steps: int
    tokens: int = 2048
    d_in: int = 576
    d_sae: int = 2304
    k: int = 32
    learning_rate: float = 1e-3

    @property
    def warmup(self) -> int:
        """Steps in which the learning rate rises."""
        return max(1, self.steps // 20)

    @property
    def decay(self) -> int:
        """Steps, at the end, in which it falls."""
        return max(1, self.steps // 5)


@dataclass(frozen=True)
class Contender:
    """`step(i, x)` trains on a batch; `codes(x)` returns f (with directions of norm 1) and x_hat."""

    kind: str
    step: Callable[[int, Tensor], object]
    codes: Callable[[Tensor], tuple[Tensor, Tensor]]

    def in_bf16(self) -> Contender:
        """Return the same, with steps under autocast; losses stay in fp32."""

        def step(number: int, x_ND: Tensor) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                self.step(number, x_ND)

        return Contender(self.kind, step, self.codes)

    @torch.no_grad()
    def loss(self, x_ND: Tensor) -> tuple[float, float]:
        """Return the type's loss by our formula, and L0."""
        f_NF, x_hat_ND = self.codes(x_ND)
        l0 = float((f_NF > 0).sum(dim=-1).float().mean())
        penalty = {"standard": L1 * float(l1_norm(f_NF)), "jump_relu": L0_WEIGHT * l0}.get(self.kind, 0.0)
        return float(mean_squared_error(x_ND, x_hat_ND)) + penalty, l0


def ours(kind: str, plan: Plan, first_ND: Tensor) -> Contender:
    """Return this project's trainer, whose b_dec starts at the mean, as in a run.

    The others clip the gradients of a loss that is summed over dimensions to norm 1; ours is a mean over them.
    """
    keep_freed_memory()
    architecture = getattr(architectures, kind)
    settings = {"l1": L1, "k": plan.k, "l0_weight": L0_WEIGHT}

    def loss(f: Tensor, x: Tensor, x_hat: Tensor, settings: Any, state: State) -> Tensor:
        return mean_squared_error(x, x_hat) + architecture.penalty(f, x, x_hat, settings, state)

    functions = (architecture, architecture.encode, loss, lambda d_in, d_sae: {})
    recipe = Recipe(*functions, plan.learning_rate, 0.05, 0.2, 1.0 / plan.d_in, dead_after=10_000_000, resample_every=0)
    extra = architecture.initial_weights(plan.d_in, plan.d_sae, settings)
    torch.manual_seed(0)
    sae = SparseAutoencoder(plan.d_in, plan.d_sae, first_ND.mean(0), extra, architecture.ENCODER_NORM)
    training = Training(sae, recipe, State(settings, steps=plan.steps), {})

    def step(_: int, x_ND: Tensor) -> float:
        return training.step(x_ND.reshape(-1, 64, plan.d_in))

    def codes(x_ND: Tensor) -> tuple[Tensor, Tensor]:
        f_BTF = architecture.encode(x_ND[None], sae.weights())
        return f_BTF[0], sae.decode(f_BTF)[0]

    return Contender(kind, step, codes)


def dictionary_learning(kind: str, plan: Plan, first_ND: Tensor) -> Contender:
    """Return the trainer of dictionary-learning for this type."""
    from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
    from dictionary_learning.trainers.jumprelu import JumpReluTrainer
    from dictionary_learning.trainers.standard import StandardTrainer
    from dictionary_learning.trainers.top_k import TopKTrainer

    common: dict[str, Any] = {"steps": plan.steps, "activation_dim": plan.d_in, "dict_size": plan.d_sae, "layer": 9}
    common |= {"lm_name": "none", "lr": plan.learning_rate, "warmup_steps": plan.warmup, "seed": 0, "device": "cpu"}
    common |= {"decay_start": plan.steps - plan.decay}
    top = {"k": plan.k, "threshold_start_step": 1}
    makers: dict[str, Callable[[], Any]] = {
        "standard": lambda: StandardTrainer(**common, l1_penalty=L1 * plan.d_in, sparsity_warmup_steps=None),
        "topk": lambda: TopKTrainer(**common, **top),
        "batch_topk": lambda: BatchTopKTrainer(**common, **top),
        "jump_relu": lambda: JumpReluTrainer(**common, sparsity_warmup_steps=None, target_l0=plan.k, bandwidth=0.5),
    }
    trainer = makers[kind]()
    # Its running threshold is far from settled after a few hundred steps: the codes are those of training.
    options = {"use_threshold": False} if kind == "batch_topk" else {}

    def codes(x_ND: Tensor) -> tuple[Tensor, Tensor]:
        f_NF = trainer.ae.encode(x_ND, **options)
        return f_NF, trainer.ae.decode(f_NF)

    return Contender(kind, trainer.update, codes)


def sae_lens(kind: str, plan: Plan, first_ND: Tensor) -> Contender:
    """Return the trainer of sae-lens for this type."""
    import sae_lens as lens
    from sae_lens.config import SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    size: dict[str, Any] = {"d_in": plan.d_in, "d_sae": plan.d_sae, "dtype": "float32", "device": "cpu"}
    makers: dict[str, Callable[[], Any]] = {
        "standard": lambda: lens.StandardTrainingSAE(
            lens.StandardTrainingSAEConfig(**size, l1_coefficient=L1 * plan.d_in)
        ),
        "topk": lambda: lens.TopKTrainingSAE(lens.TopKTrainingSAEConfig(**size, k=plan.k)),
        "batch_topk": lambda: lens.BatchTopKTrainingSAE(lens.BatchTopKTrainingSAEConfig(**size, k=plan.k)),
        "jump_relu": lambda: lens.JumpReLUTrainingSAE(
            lens.JumpReLUTrainingSAEConfig(**size, l0_coefficient=L0_WEIGHT * plan.d_in, jumprelu_bandwidth=0.5)
        ),
    }
    torch.manual_seed(0)
    sae = makers[kind]()
    config = SAETrainerConfig(
        total_training_samples=plan.steps * plan.tokens,
        train_batch_size_samples=plan.tokens,
        lr=plan.learning_rate,
        lr_warm_up_steps=plan.warmup,
        lr_decay_steps=plan.decay,
        lr_end=plan.learning_rate / 10,
    )
    trainer = SAETrainer(config, sae, data_provider=iter(()))

    def step(_: int, x_ND: Tensor) -> None:
        trainer.step(x_ND)
        trainer.n_training_steps += 1

    def codes(x_ND: Tensor) -> tuple[Tensor, Tensor]:
        f_NF = sae.encode(x_ND)
        return f_NF * sae.W_dec.norm(dim=-1), sae.decode(f_NF)

    return Contender(kind, step, codes)


MAKERS: dict[str, Callable[[str, Plan, Tensor], Contender]] = {
    "ours": ours,
    "dictionary-learning": dictionary_learning,
    "sae-lens": sae_lens,
}
