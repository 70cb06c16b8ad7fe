"""Writes a run's SAEs in the format of SAELens, to be loaded by `sae_lens.SAE.load_from_disk`.

    python -m temporal_sae.saelens_export --run RUN_DIR --part PART_DIR --out OUT_DIR

Each artefact becomes `OUT_DIR/<condition>/seed_<s>/{cfg.json, sae_weights.safetensors}`. One that SAELens has no
architecture for is left out, with the reason on stderr; the exit status is 1 if that is so for any.

Our SAEs are trained on c x, one constant c for all activations x of the language model; an exported SAE works on x
itself, and its codes are ours over c: with f = act((c x - b_dec) W_enc + b_enc) and act(c z) = c act(z),
f / c = act((x - b_dec / c) W_enc + b_enc / c), and x_hat = (f / c) W_dec + b_dec / c. The directions keep norm 1. (A
threshold is divided by c like a bias, for the same reason.)

The artefacts' encoders run in hosts beside this program (see `encoding`), so it is Groundwork that starts it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from temporal_sae.checks import UngradableError, decoder, largest_file
from temporal_sae.encoding import EncoderError, Host, hosts_beside
from temporal_sae.grade import RECORD_BYTES, SOURCE_BYTES, find_conditions
from temporal_sae.held_out import HeldOut, IncompletePartError
from temporal_sae.storage import UnreadableError, read_untrusted

if TYPE_CHECKING:
    from sae_lens import SAE
    from sae_lens.saes.sae import SAEMetadata

COMPARED = 8  # sequences on which an exported SAE must give the artefact's own codes
DIFFERING = 1e-3  # of the active codes may differ: a threshold or a k-th place can fall the other way by rounding
ENCODER_S = 600.0


class NotExportableError(Exception):
    """An artefact is none of SAELens's architectures; the message says why."""


def main() -> int:
    """Export every artefact of a run; return the exit status."""
    parser = argparse.ArgumentParser(description="Export a run's SAEs to SAELens.")
    for flag in ("--run", "--part", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    run, left_out = given.run.resolve(), 0
    try:
        part, (host, _) = HeldOut(given.part.resolve()), hosts_beside(ENCODER_S)
        for artefact in find_artefacts(run):
            try:
                export(run, artefact, part, host).save_model(given.out / artefact)
            except NotExportableError as error:
                left_out += 1
                sys.stderr.write(f"{artefact}: not exported: {error}\n")
    except (IncompletePartError, UngradableError, UnreadableError, EncoderError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if left_out else 0


def find_artefacts(run: Path) -> list[str]:
    """Return the run's artefacts, `<condition>/seed_<s>`, sorted; UngradableError where there is none."""
    found = [
        f"{condition}/{folder.name}" for condition in find_conditions(run) for folder in (run / condition).iterdir()
    ]
    if not found:
        raise UngradableError(f"{run}: the run left no artefact: no <condition>/seed_<s>/ in its directory")
    return sorted(name for name in found if "/seed_" in name)


def export(run: Path, artefact: str, part: HeldOut, host: Host) -> SAE[Any]:
    """Return the artefact as an SAE of SAELens, on unscaled activations.

    Raises NotExportableError where SAELens has no such architecture: its codes on a few sequences of the part must be
    those of the artefact's own encoder, which runs in `host`.
    """
    rows = [slice(row, row + 1) for row in range(min(COMPARED, len(part.sequences)))]
    read = read_artefact(run, artefact, part.sequences.d_in)
    sae = saelens_sae(read.weights, part)
    with host.encoder(*read) as encoder:
        own = [encoder.encode(part.sequences.batch(row)[0]) for row in rows]
    for row, own_TF in zip(rows, own, strict=True):
        _require_equal(sae.encode(part.unscaled(row))[0] * part.scale, own_TF)
    return sae


class Artefact(NamedTuple):
    """What a host needs to run an artefact's encoder; the shape is (d_in, d_sae). Untrusted, but for the decoder."""

    source: bytes
    content: bytes
    shape: tuple[int, int]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return safetensors.torch.load(self.content)


def read_artefact(run: Path, artefact: str, d_in: int) -> Artefact:
    """Read an artefact with a sound decoder; raises UngradableError or UnreadableError."""
    d_sae = json.loads(read_untrusted(run, "job.json", RECORD_BYTES))["profile"]["d_sae"]
    content = read_untrusted(run, f"{artefact}/weights.safetensors", largest_file(d_in, d_sae))
    decoder(content, d_sae, d_in)
    return Artefact(read_untrusted(run, f"{artefact}/encoder.py", SOURCE_BYTES), content, (d_in, d_sae))


@torch.no_grad()
def saelens_sae(weights: Mapping[str, Tensor], part: HeldOut) -> SAE[Any]:
    """Return the SAE of SAELens that the weights stand for; what is in them tells which architecture it is.

    `log_threshold` or `threshold` (one, or one a feature) make a JumpReLU SAE, as which a BatchTopK SAE is used
    after training; `k` a TopK SAE; the usual four alone a standard one. Raises NotExportableError.
    """
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig, StandardSAE, StandardSAEConfig, TopKSAE, TopKSAEConfig

    d_sae, d_in = weights["W_dec"].shape
    sizes = {"d_in": d_in, "d_sae": d_sae, "metadata": _metadata(part)}
    tensors = _unscaled(weights, part.scale)
    if (threshold_F := _threshold(weights)) is not None:
        sae: SAE[Any] = JumpReLUSAE(JumpReLUSAEConfig(**sizes))
        tensors["threshold"] = threshold_F / part.scale
    elif "k" in weights:
        sae = TopKSAE(TopKSAEConfig(**sizes, k=_k(weights["k"], d_sae)))
    else:
        sae = StandardSAE(StandardSAEConfig(**sizes))
    sae.load_state_dict(tensors)
    return sae


def _unscaled(weights: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    d_sae, d_in = weights["W_dec"].shape
    for name, shape in (("W_enc", (d_in, d_sae)), ("b_enc", (d_sae,))):
        if name not in weights or tuple(weights[name].shape) != shape:
            raise NotExportableError(f"its weights have no {name} of shape {shape}")
    return {
        "W_enc": weights["W_enc"].float(),
        "W_dec": weights["W_dec"].float(),
        "b_enc": weights["b_enc"].float() / scale,
        "b_dec": weights["b_dec"].float() / scale,
    }


def _threshold(weights: Mapping[str, Tensor]) -> Tensor | None:
    threshold = weights["log_threshold"].exp() if "log_threshold" in weights else weights.get("threshold")
    d_sae = weights["W_dec"].shape[0]
    if threshold is not None and threshold.numel() not in (1, d_sae):
        raise NotExportableError(f"a threshold of shape {tuple(threshold.shape)} is neither one nor one a feature")
    return None if threshold is None else threshold.float().reshape(-1).expand(d_sae).contiguous()


def _k(k: Tensor, d_sae: int) -> int:
    if k.numel() != 1 or not 1 <= int(k) <= d_sae:
        raise NotExportableError(f"k is {k.tolist()}, not one number from 1 to d_sae = {d_sae}")
    return int(k)


def _metadata(part: HeldOut) -> SAEMetadata:
    from sae_lens.saes.sae import SAEMetadata

    return SAEMetadata(
        model_name=part.model_name,
        model_sha256=part.model_sha256,
        hook_name=part.hook_name,
        hook_layer=part.layer,
        context_size=part.sequences.context + 1,
        prepend_bos=True,
        activation_scale=part.scale,
    )


def _require_equal(f_TF: Tensor, own_TF: Tensor) -> None:
    # The artefact's codes come rounded to bfloat16: 8 bits of mantissa, a relative error of up to 2^-9.
    differing = int((~torch.isclose(f_TF, own_TF, rtol=1e-2, atol=1e-3)).sum())
    if differing > DIFFERING * int((own_TF != 0).sum()):
        raise NotExportableError(
            f"its encoder gives other codes than SAELens's architecture with the same weights ({differing} of "
            f"{own_TF.numel()} differ): SAELens has none for an encoder that was changed or looks at earlier tokens"
        )


if __name__ == "__main__":
    sys.exit(main())
