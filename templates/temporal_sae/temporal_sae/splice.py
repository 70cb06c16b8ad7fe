"""How well the language model goes on predicting when reconstructions stand in for its activations."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import kl_div

from temporal_sae.data import Sequences

SEQUENCES = 16
BATCH = 8
# Stored activations are rounded, and may have been computed in bfloat16; those of other tokens are another thing.
LARGEST_DEVIATION = 0.1
LARGEST_CLEAN_KL = 1e-3


class SpliceError(Exception):
    """The part lacks what a splice needs, or its tokens, activations and model don't belong together."""


class Splice:
    """The language model from one block on, and its clean predictions on a part's first few sequences.

    Their order in a part is random, and all seeds and runs get the same ones. Needs `tokens.npy` (N, T), and
    `model_folder`, `layer`, `scale` and `start_token` in `meta.json`, beside the part's `x.npy`.
    """

    def __init__(self, part: Path, data: Sequences, sequences: int = SEQUENCES) -> None:
        """Predict once as the model is, and once with zeros in place of the activations; raises SpliceError."""
        about, tokens_NT = _read(part, data)
        self.rows = min(sequences, len(data))
        self._scale = float(about["scale"])
        with all_cores():
            self._load(Path(about["model_folder"]), np.insert(tokens_NT[: self.rows], 0, about["start_token"], axis=1))
            clean_NTD = self._predict_clean(int(about["layer"]))
            x_NTD = data.batch(slice(0, self.rows))
            deviation = float((clean_NTD * self._scale - x_NTD).norm() / x_NTD.norm())
            if deviation > LARGEST_DEVIATION:
                raise SpliceError(f"{part}: x.npy is not what {about['model_folder']} gives for tokens.npy")
            self.clean_loss, self.clean_kl = self._predict(clean_NTD)
            if self.clean_kl > LARGEST_CLEAN_KL:
                raise SpliceError(
                    f"{about['model_folder']}: its later blocks can't be run alone; no splice is possible"
                )
            self.zero_loss, self.zero_kl = self._predict(torch.zeros_like(clean_NTD))

    def scores(self, x_hat_NTD: Tensor) -> dict[str, float | None]:
        """Return the two scores of reconstructions (rows, T, D), in the scale of `x.npy`.

        CE loss recovered is (CE_zero - CE_sae) / (CE_zero - CE_clean) and the KL score (KL_zero - KL_sae) / KL_zero,
        with KL(clean || spliced) at each token: 1 is as good as the model's own activations, 0 as bad as zeros in
        their place. These are `ce_loss_score` and `kl_div_score` of SAEBench (Karvonen et al., 2025) on so many
        sequences (6 in the `cpu` profile, 384 tokens: a score costs as much as the rest of the grading). Its zeros
        stand at the start token, too, which puts its scores on another scale; here that position keeps what the model
        has there, since no autoencoder is trained on it.
        """
        with all_cores():
            loss, kl = self._predict(x_hat_NTD / self._scale)
        return {
            "ce_loss_recovered": ratio(self.zero_loss - loss, self.zero_loss - self.clean_loss),
            "kl_score": ratio(self.zero_kl - kl, self.zero_kl),
        }

    def _load(self, folder: Path, ids_NS: np.ndarray) -> None:
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()
        load = AutoModelForCausalLM.from_pretrained
        model, about = load(folder, dtype=torch.float32, local_files_only=True, output_loading_info=True)
        if about["missing_keys"]:  # would be drawn at random, anew each time
            raise SpliceError(f"{folder}: the model lacks {min(about['missing_keys'])}; save it with its head")
        self._model = model.eval()
        self._ids_NS = torch.from_numpy(ids_NS.astype(np.int64))

    @torch.inference_mode()
    def _predict_clean(self, layer: int) -> Tensor:
        """Keep the clean log-probabilities and what stands at the start token; cut off the blocks before `layer`.

        Block `layer` stays, but its output is replaced, so that it does not matter what it is given.
        """
        blocks = self._model.base_model.layers
        seen: list[Tensor] = []
        capture = blocks[layer].register_forward_hook(lambda _block, _given, out: seen.append(_stream(out)))
        self._log_p_NTV = torch.cat([self._log_q(ids) for ids in self._ids_NS.split(BATCH)])
        capture.remove()
        self._model.base_model.layers = blocks[layer:]
        blocks[layer].register_forward_hook(lambda _block, _given, out: _replaced(out, self._spliced))
        stream_NSD = torch.cat(seen)
        self._first_N1D = stream_NSD[:, :1]
        return stream_NSD[:, 1:]

    def _log_q(self, ids_BS: Tensor) -> Tensor:
        """Return log-probabilities (B, T, V) at each token after the start token."""
        return self._model(input_ids=ids_BS, use_cache=False).logits[:, 1:].log_softmax(dim=-1)

    @torch.inference_mode()
    def _predict(self, stream_NTD: Tensor) -> tuple[float, float]:
        """Return the mean loss in nats over the tokens after the first, and KL(clean || spliced) over all tokens."""
        loss = kl = 0.0
        for start in range(0, self.rows, BATCH):
            rows = slice(start, start + BATCH)
            self._spliced = torch.cat([self._first_N1D[rows], stream_NTD[rows]], dim=1)
            log_q_BTV = self._log_q(self._ids_NS[rows])
            loss -= _sum(log_q_BTV[:, :-1].gather(-1, self._ids_NS[rows, 2:, None]))
            kl_BTV = kl_div(log_q_BTV, self._log_p_NTV[rows], reduction="none", log_target=True)
            kl += _sum(kl_BTV.sum(dim=-1))
        tokens = stream_NTD.shape[0] * stream_NTD.shape[1]
        return loss / (tokens - stream_NTD.shape[0]), kl / tokens


def ratio(part: float, whole: float) -> float | None:
    """Return `part / whole`, None where zeros are as good as the model's own activations."""
    return part / whole if whole else None


@contextmanager
def all_cores() -> Iterator[None]:
    """Use every core for a while: no encoder is being asked anything."""
    before = torch.get_num_threads()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read(part: Path, data: Sequences) -> tuple[dict[str, Any], np.ndarray]:
    about = json.loads((part / "meta.json").read_text("utf-8")) if (part / "meta.json").is_file() else {}
    missing = [key for key in ("model_folder", "layer", "scale", "start_token") if key not in about]
    if missing or not (part / "tokens.npy").is_file():
        lacking = ", ".join(missing) or "tokens.npy"
        raise SpliceError(f"{part}: no {lacking}, which the grader needs; prepare the data again")
    tokens_NT = np.load(part / "tokens.npy", allow_pickle=False)
    if tokens_NT.shape != (len(data), data.context):
        raise SpliceError(f"{part / 'tokens.npy'}: shape {tokens_NT.shape}, expected {(len(data), data.context)}")
    return about, tokens_NT


def _sum(values: Tensor) -> float:
    return float(values.sum(dtype=torch.float64))


def _stream(out: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return a block's residual stream; some models' blocks give a tuple that begins with it."""
    return out[0] if isinstance(out, tuple) else out


def _replaced(out: Tensor | tuple[Tensor, ...], stream: Tensor) -> Tensor | tuple[Tensor, ...]:
    return (stream, *out[1:]) if isinstance(out, tuple) else stream
