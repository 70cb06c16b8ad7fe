"""SAEBench's core evaluation on exactly the sequences of one part, so that it can be compared with our grader.

Its numbers are kept as they are. Two of them are not what their names say (sae-bench 0.6.0), so we compute these again:

- `explained_variance` subtracts from the mean of ||x||^2, S, the square of the mean over dimensions of x^2, and not
  ||mean x||^2: it is 1 - R / (S - (S / D)^2) with R the mean of ||x - x_hat||^2. That depends on the unit of x and can
  exceed 1. Ours is 1 - R / (S - ||mean x||^2).
- `mse` is R over the number of tokens in a batch: it depends on the batch size. Ours is R / D, in the scaled units.

Tokens that are the start, end or padding token are left out by SAEBench, and within a text counted by us. Where the SAE
is spliced in, the start token's activation stays as it is; the ablation to which SAEBench's scores are relative zeroes
that one, too, and our grader's does not, so `ce_loss_score` and `kl_div_score` are on another scale than its own. Codes
are rounded to bfloat16 by our grader, not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sae_bench.evals.core import main as core
from sae_bench.evals.core.eval_config import CoreEvalConfig
from sae_bench.sae_bench_utils import get_eval_uuid, get_sae_bench_version, get_sae_lens_version
from sae_bench.sae_bench_utils.general_utils import load_and_format_sae
from sae_lens import SAE
from sae_lens.training.activations_store import ActivationsStore
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from temporal_sae.held_out import HeldOut
from temporal_sae.metrics import Totals
from temporal_sae.saebench_adapter import SequenceSAE

BATCH = 16
Metrics = dict[str, Any]


def evaluate_core(
    name: str, sae: SAE[Any] | SequenceSAE, model: TransformerBridge, part: HeldOut, out: Path
) -> Metrics:
    """Return SAEBench's core metrics by category, and the two that are computed again, as `recomputed`.

    SAEBench's own record is written to `out`. Its `run_evals` is called directly, since `multiple_evals` around it
    loads models by name only, logs an exception and goes on.
    """
    _, sae, _ = load_and_format_sae(name, sae, str(model.cfg.device))
    tokens_NT = with_start(part.tokens_NT, model.tokenizer.bos_token_id)
    batch = batch_size(len(tokens_NT))
    config = CoreEvalConfig(
        model_name=part.model_name,
        batch_size_prompts=batch,
        n_eval_reconstruction_batches=len(tokens_NT) // batch,
        n_eval_sparsity_variance_batches=len(tokens_NT) // batch,
        dataset="the part's own sequences",
        context_size=tokens_NT.shape[1],
        compute_kl=True,
        compute_ce_loss=True,
        compute_l2_norms=True,
        compute_sparsity_metrics=True,
        compute_variance_metrics=True,
        compute_featurewise_density_statistics=True,
        compute_featurewise_weight_based_metrics=True,
        exclude_special_tokens_from_reconstruction=True,
    )
    rows = Dataset.from_dict({"tokens": tokens_NT.tolist()})
    store = ActivationsStore.from_sae(
        model,
        sae,
        rows,
        context_size=config.context_size,
        streaming=False,
        total_tokens=1,
        device=str(model.cfg.device),
    )
    metrics, features = core.run_evals(sae, store, model, config, ignore_tokens=special_tokens(model))
    write_record(name, (config, metrics, features), sae, out)
    return {**metrics, "recomputed": recomputed(sae, part)}


def with_start(tokens_NT: Tensor, start: int) -> Tensor:
    """Return the sequences (N, 1 + T) with the start token in front, as the activations were computed."""
    return torch.nn.functional.pad(tokens_NT, (1, 0), value=start)


def batch_size(sequences: int) -> int:
    """Return the largest batch up to 16 that divides the sequences, so that each of them counts once."""
    return next(size for size in range(min(BATCH, sequences), 0, -1) if sequences % size == 0)


def special_tokens(model: TransformerBridge) -> set[int]:
    """Return the tokens that SAEBench leaves out of its metrics."""
    named = (model.tokenizer.pad_token_id, model.tokenizer.eos_token_id, model.tokenizer.bos_token_id)
    return {token for token in named if token is not None}


def write_record(
    name: str, evaluated: tuple[CoreEvalConfig, Metrics, Metrics], sae: SAE[Any] | SequenceSAE, out: Path
) -> None:
    """Add the miscellaneous metrics, and write what SAEBench's own program writes for one SAE (-1 for NaN)."""
    config, metrics, features = evaluated
    metrics["misc_metrics"] = core.calculate_misc_metrics(features)
    result = {"eval_cfg": config, "sae_set": name, "sae_id": "custom_sae", "metrics": metrics}
    versions = (get_eval_uuid(), get_sae_lens_version(), get_sae_bench_version())
    result = core.replace_nans_with_negative_one({**result, "feature_metrics": features})
    core.save_single_eval_result(result, *versions, str(out), sae)


@torch.no_grad()
def recomputed(sae: SAE[Any] | SequenceSAE, part: HeldOut) -> dict[str, float | None]:
    """Return explained variance and mse as our grader defines them, over the same sequences."""
    totals, mean_D = Totals(), part.sequences.batch(slice(None)).mean(dim=(0, 1))
    for row in range(len(part.sequences)):
        x_1TD = part.unscaled(slice(row, row + 1))
        # The place of the start token, which an SAE that takes whole sequences expects, and others don't mind.
        f_TF = sae.encode(torch.nn.functional.pad(x_1TD, (0, 0, 1, 0)).to(sae.device))
        x_hat_TD = sae.decode(f_TF)[0, 1:].cpu() * part.scale
        totals.add(x_1TD[0] * part.scale, x_hat_TD, f_TF[0, 1:].cpu() * part.scale, mean_D)
    return {"explained_variance": totals.explained_variance(), "mse": totals.mse()}
