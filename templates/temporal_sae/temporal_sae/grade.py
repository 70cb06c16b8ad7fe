"""Grades a run from what it left. Trusted: the run's own code only encodes, in another process.

    python -m temporal_sae.grade --run RUN_DIR --part PART_DIR --out OUT_DIR

Writes `OUT_DIR/final_info.json`: {condition: {means, stderrs, final_info_dict, config, self_reported}}, with per-seed
values in the order of the job's seeds and null for what is not a finite number. RUN_DIR is only read. Exit status 1,
with the reason on stderr's last line, where any seed of any condition can't be graded.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from temporal_sae.artefacts import CONDITION
from temporal_sae.data import Sequences
from temporal_sae.encoding import EncoderError, RemoteEncoder
from temporal_sae.metrics import Totals
from temporal_sae.storage import UnreadableError, read_untrusted, write_json

WEIGHTS_BYTES = 2 << 30
SOURCE_BYTES = 1 << 20
RECORD_BYTES = 1 << 16
RECORD_KEYS = 64
SHUFFLE_SEED = 20
PROBES = 8


class UngradableError(Exception):
    """An artefact is missing, malformed or cheating; the message says which and why."""


@dataclass(frozen=True)
class Graded:
    """One seed: metrics, and the flat records that the run wrote about itself."""

    metrics: dict[str, float | None]
    config: dict[str, Any]
    measured: dict[str, Any]


def main() -> int:
    """Grade one run on one part; return the exit status."""
    parser = argparse.ArgumentParser(description="Grade a run.")
    for flag in ("--run", "--part", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)  # the encoder's process has the other core, see encoder_host
    try:
        write_json(given.out / "final_info.json", grade(given.run.resolve(), Sequences(given.part)))
    except (UngradableError, UnreadableError, EncoderError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def grade(run: Path, data: Sequences) -> dict[str, Any]:
    """Return the contents of final_info.json; raises UngradableError, UnreadableError or EncoderError."""
    job = json.loads((run / "job.json").read_text("utf-8"))
    d_sae, seeds = job["profile"]["d_sae"], job["seeds"]
    conditions = find_conditions(run)
    if not conditions:
        raise UngradableError("the run left no artefact: no <condition>/seed_<s>/ in its directory")
    mean_D = data.batch(slice(None)).mean(dim=(0, 1))
    return {
        condition: summarise([grade_seed(run, f"{condition}/seed_{seed}", d_sae, data, mean_D) for seed in seeds])
        for condition in conditions
    }


def find_conditions(run: Path) -> list[str]:
    """Return the names of the folders that hold seeds, sorted; raises UngradableError for a name no condition has."""
    names = sorted(path.name for path in run.iterdir() if not path.is_symlink() and path.is_dir())
    conditions = [name for name in names if any((run / name).glob("seed_*"))]
    for name in conditions:
        if not CONDITION.fullmatch(name):
            raise UngradableError(f"{name!r} is no name for a condition")
    return conditions


def grade_seed(run: Path, artefact: str, d_sae: int, data: Sequences, mean_D: Tensor) -> Graded:
    """Grade one artefact folder, `<condition>/seed_<s>`."""
    try:
        content = read_untrusted(run, f"{artefact}/weights.safetensors", WEIGHTS_BYTES)
        read_untrusted(run, f"{artefact}/encoder.py", SOURCE_BYTES)
        W_dec_FD, b_dec_D = decoder(content, d_sae, data.d_in)
        with RemoteEncoder(run / artefact / "encoder.py", content, (data.d_in, d_sae)) as encoder:
            totals = measure(encoder, data, (W_dec_FD, b_dec_D), mean_D)
            check_causality(encoder, data)
        return Graded(
            metrics={name: finite(value) for name, value in totals.all().items()},
            config=read_record(run, f"{artefact}/config.json"),
            measured=read_record(run, f"{artefact}/measured.json"),
        )
    except (UngradableError, EncoderError) as error:
        raise UngradableError(_reason_last(artefact, str(error))) from error


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


def measure(encoder: RemoteEncoder, data: Sequences, weights: tuple[Tensor, Tensor], mean_D: Tensor) -> Totals:
    """Return the totals over all sequences, encoded one by one in shuffled order."""
    W_dec_FD, b_dec_D = weights
    totals = Totals()
    for row in np.random.default_rng(SHUFFLE_SEED).permutation(len(data)):
        x_TD = data.batch(slice(row, row + 1))[0]
        f_TF = encoder.encode(x_TD)
        totals.add(x_TD, f_TF @ W_dec_FD + b_dec_D, f_TF, mean_D)
    return totals


def check_causality(encoder: RemoteEncoder, data: Sequences) -> None:
    """Raise UngradableError if later tokens change earlier codes.

    A few sequences are encoded again with another sequence's tokens after a random place (their length stays the
    same, so an encoder can't tell), and one is cut off there. Codes before that place must be what they were; the
    tolerance is that of float32 sums taken in another order, then rounded to bfloat16.
    """
    generator = np.random.default_rng(SHUFFLE_SEED + 1)
    for probe in range(min(PROBES, len(data))):
        row, other = generator.integers(len(data), size=2)
        at = int(generator.integers(1, max(2, data.context)))
        x_TD, tail_TD = data.batch(np.array([row, other]))
        changed_TD = x_TD[:at] if probe == 0 else torch.cat([x_TD[:at], tail_TD.flip(0)[at:]])
        before, after = encoder.encode(x_TD)[:at], encoder.encode(changed_TD)[:at]
        if not torch.allclose(before, after, rtol=1e-2, atol=1e-3):
            raise UngradableError(
                f"the codes of the first {at} tokens changed when later tokens did: not a causal encoder"
            )


def read_record(run: Path, relative: str) -> dict[str, Any]:
    """Return a flat record that the run wrote; non-finite numbers become None, a missing file an empty record.

    Raises UngradableError for one that isn't a JSON object of at most 64 short scalars.
    """
    if not (run / relative).exists():
        return {}
    try:
        value = json.loads(read_untrusted(run, relative, RECORD_BYTES))
    except (ValueError, RecursionError) as error:
        raise UngradableError(f"{relative}: not JSON") from error
    if not isinstance(value, dict) or len(value) > RECORD_KEYS:
        raise UngradableError(f"{relative}: not an object of at most {RECORD_KEYS} keys")
    for key, entry in value.items():
        if len(key) > 80 or not (isinstance(entry, bool | int | float) or isinstance(entry, str) and len(entry) < 500):
            raise UngradableError(f"{relative}: {key[:80]!r} is not a scalar")
    return {key: finite(entry) if isinstance(entry, float) else entry for key, entry in value.items()}


def summarise(seeds: Sequence[Graded]) -> dict[str, Any]:
    """Return one condition's entry of final_info.json."""
    per_seed = {name: [seed.metrics[name] for seed in seeds] for name in seeds[0].metrics}
    names = sorted({name for seed in seeds for name in seed.measured})
    first = seeds[0].config
    return {
        "means": {name: mean(values) for name, values in per_seed.items()},
        "stderrs": {name: standard_error(values) for name, values in per_seed.items()},
        "final_info_dict": per_seed,
        "config": {
            key: value
            for key, value in first.items()
            if value is not None and all(seed.config.get(key) == value for seed in seeds)
        },
        "self_reported": {name: [number(seed.measured.get(name)) for seed in seeds] for name in names},
    }


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if a value is missing, since a mean over fewer seeds would be another quantity."""
    numbers = [value for value in values if value is not None]
    return math.fsum(numbers) / len(numbers) if numbers and len(numbers) == len(values) else None


def standard_error(values: Sequence[float | None]) -> float | None:
    """Return the sample standard deviation over sqrt(n); None for one seed or a missing value."""
    centre = mean(values)
    if centre is None or len(values) < 2:
        return None
    squares = math.fsum((value - centre) ** 2 for value in values if value is not None)
    return math.sqrt(squares / (len(values) - 1) / len(values))


def number(value: object) -> float | None:
    """Return a finite float, else None (a record may hold anything)."""
    return finite(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def finite(value: float | None) -> float | None:
    """Return `value`, or None where it is not a finite number."""
    return value if value is not None and math.isfinite(value) else None


def _reason_last(artefact: str, message: str) -> str:
    lines = message.splitlines() or ["no reason given"]
    return "\n".join([*lines[:-1], f"{artefact}: {lines[-1]}"])


if __name__ == "__main__":
    sys.exit(main())
