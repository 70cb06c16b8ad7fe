"""What an artefact must show before its metrics count. Each check is one sentence that a run's author can act on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from temporal_sae.data import Sequences
from temporal_sae.encoding import RemoteEncoder

SHUFFLE_SEED = 20
PROBES = 8
HEADER_BYTES = 1 << 16
UNMOVED = 0.999
STANDARD_ERRORS = 5.0


class UngradableError(Exception):
    """An artefact is missing, malformed or cheating; the message says which and why."""


def largest_file(d_in: int, d_sae: int) -> int:
    """Return how many bytes of weights an artefact may have: twice those of the standard autoencoder, in float32.

    What an encoder needs beyond the standard weights is small. Room for more would be room to remember text in.
    """
    return 2 * 4 * (2 * d_sae * d_in + d_sae + d_in) + HEADER_BYTES


def decoder(content: bytes, d_sae: int, d_in: int) -> tuple[Tensor, Tensor]:
    """Return W_dec (F, D) and b_dec (D,) in float32; UngradableError where shape, type or values are wrong."""
    try:
        tensors = safetensors.torch.load(content)
    except SafetensorError as error:
        raise UngradableError(f"weights.safetensors does not load: {error}") from error
    for name, shape in (("W_dec", (d_sae, d_in)), ("b_dec", (d_in,))):
        tensor = tensors.get(name)
        if tensor is None or tuple(tensor.shape) != shape or not tensor.is_floating_point():
            raise UngradableError(f"weights.safetensors has no {name} of shape {shape}")
        if not tensor.isfinite().all():
            raise UngradableError(f"{name} holds a value that is not finite")
    return tensors["W_dec"].float(), tensors["b_dec"].float()


def check_start(W_dec_FD: Tensor, seed: int) -> None:
    """Raise UngradableError for directions that never moved from the start of `seed`, or that never were there.

    A training begins at random directions drawn from its seed. What it ends with is near them still, compared with
    directions drawn from any other seed: the cosines of 1152 pairs in 576 dimensions average 0 +- 0.0012.
    """
    d_sae, d_in = W_dec_FD.shape
    start_FD = torch.randn(d_sae, d_in, generator=torch.Generator().manual_seed(seed))
    cosine = float(torch.nn.functional.cosine_similarity(W_dec_FD, start_FD, dim=-1).mean())
    if cosine > UNMOVED:
        raise UngradableError(f"W_dec is where seed {seed} starts (mean cosine {cosine:.4f}): nothing was trained")
    if cosine < STANDARD_ERRORS / (d_sae * d_in) ** 0.5:
        raise UngradableError(f"W_dec (mean cosine {cosine:.4f}) was not trained from the start that seed {seed} gives")


@dataclass(frozen=True)
class Probe:
    """A sequence that is asked a second time, from token `at` on with the tokens of another; None: as it was."""

    row: int
    at: int | None
    other: int


def draw_probes(sequences: int, context: int) -> list[Probe]:
    """Return up to 8 changed and 8 unchanged sequences. No sequence of the latter, which lend their tails, is changed.

    So a process that is asked these has nothing from which it could know how a changed sequence went on at first.
    """
    generator = np.random.default_rng(SHUFFLE_SEED + 1)
    rows = generator.permutation(sequences)[: 2 * PROBES]
    changed, same = rows[::2], rows[1::2] if len(rows) > 1 else rows
    cuts = generator.integers(1, max(2, context), size=len(changed))
    probes = [Probe(int(row), int(at), int(generator.choice(same))) for row, at in zip(changed, cuts, strict=True)]
    return [Probe(int(row), None, int(row)) for row in same] + probes


def check_repeatable(encoder: RemoteEncoder, data: Sequences, first: dict[int, Tensor]) -> None:
    """Raise UngradableError unless `encoder`, in a fresh process, gives the codes `first` (T, F) again, by row.

    Sequences come in another order, and some with another's tokens after a random place; the first of these is cut off
    there. Codes before that place must be what they were: else an encoder looks at later tokens, keeps something from
    call to call, or draws at random. The tolerance is that of float32 sums in another order, then rounded to bfloat16;
    where the length differs, a tie among the largest codes may fall the other way, on one token at most.
    """
    cut = True
    for probe in draw_probes(len(data), data.context):
        x_TD, tail_TD = data.batch(np.array([probe.row, probe.other]))
        at, spared = probe.at or data.context, 0
        if probe.at is not None:
            x_TD = x_TD[:at] if cut else torch.cat([x_TD[:at], tail_TD[at:]])
            cut, spared = False, int(cut)
        same_T = torch.isclose(first[probe.row][:at], encoder.encode(x_TD)[:at], rtol=1e-2, atol=1e-3).all(dim=-1)
        if int((~same_T).sum()) > spared:
            raise UngradableError(_why(probe))


def _why(probe: Probe) -> str:
    if probe.at is None:
        return (
            "the same sequence got other codes when it was asked again: an encoder may keep nothing, nor draw at random"
        )
    return f"the codes of the first {probe.at} tokens changed when later tokens did: not a causal encoder"
