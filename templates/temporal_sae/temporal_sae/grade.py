"""Grades a run from what it left. Trusted: the run's own code only encodes, in the two hosts that run beside it.

    python -m temporal_sae.grade --run RUN_DIR --part PART_DIR --out OUT_DIR

Writes `OUT_DIR/final_info.json`: {condition: {means, stderrs, final_info_dict, config, self_reported}}, with per-seed
values in the order of the job's seeds and null for what is not a finite number. RUN_DIR is only read. Exit status 1,
with the reason on stderr's last line, where any seed of any condition can't be graded.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from temporal_sae.artefacts import CONDITION
from temporal_sae.checks import (
    SHUFFLE_SEED,
    UngradableError,
    check_repeatable,
    check_start,
    decoder,
    draw_probes,
    largest_file,
)
from temporal_sae.data import Sequences
from temporal_sae.dynamics import Pairs
from temporal_sae.encoding import EncoderError, Host, RemoteEncoder, hosts_beside
from temporal_sae.metrics import Totals
from temporal_sae.probing import SIZES, LabelError, Labels
from temporal_sae.splice import SEQUENCES, Splice, SpliceError
from temporal_sae.storage import UnreadableError, read_untrusted, write_json

SOURCE_BYTES = 1 << 16
RECORD_BYTES = 1 << 16
RECORD_KEYS = 64
LAGS = (1, 4)


@dataclass(frozen=True)
class Graded:
    """One seed: metrics, and the flat records that the run wrote about itself."""

    metrics: dict[str, float | None]
    config: dict[str, Any]
    measured: dict[str, Any]


@dataclass(frozen=True)
class Exam:
    """What every artefact of a run is graded with."""

    data: Sequences
    mean: Tensor
    splice: Splice
    labels: Labels
    hosts: tuple[Host, Host]

    @property
    def kept(self) -> set[int]:
        """The rows whose codes are asked for again."""
        return {probe.row for probe in draw_probes(len(self.data), self.data.context)}


def main() -> int:
    """Grade one run on one part; return the exit status."""
    parser = argparse.ArgumentParser(description="Grade a run.")
    for flag in ("--run", "--part", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)  # the encoder's process has the other core, see encoder_host
    try:
        profile = json.loads((given.run / "job.json").read_text("utf-8"))["profile"]
        spliced = int(profile.get("splice_sequences", SEQUENCES))
        graded = grade(given.run.resolve(), exam(given.part, hosts_beside(), spliced))
        write_json(given.out / "final_info.json", graded)
    except (UngradableError, UnreadableError, EncoderError, SpliceError, LabelError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def exam(part: Path, hosts: tuple[Host, Host], spliced: int = SEQUENCES) -> Exam:
    """Open a part of the data for grading; raises SpliceError or LabelError where something is missing from it.

    On its first `spliced` sequences reconstructions are spliced into the language model.
    """
    data = Sequences(part)
    labels, splice = Labels(part, len(data)), Splice(part, data, spliced)
    return Exam(data, data.batch(slice(None)).mean(dim=(0, 1)), splice, labels, hosts)


def grade(run: Path, exam: Exam) -> dict[str, Any]:
    """Return the contents of final_info.json; raises UngradableError, UnreadableError or EncoderError."""
    job = json.loads((run / "job.json").read_text("utf-8"))
    conditions = find_conditions(run)
    if not conditions:
        raise UngradableError("the run left no artefact: no <condition>/seed_<s>/ in its directory")
    d_sae, seeds = job["profile"]["d_sae"], job["seeds"]
    return {name: summarise([grade_seed(run / name, seed, d_sae, exam) for seed in seeds]) for name in conditions}


def find_conditions(run: Path) -> list[str]:
    """Return the names of the folders that hold seeds, sorted; raises UngradableError for a name no condition has."""
    names = sorted(path.name for path in run.iterdir() if not path.is_symlink() and path.is_dir())
    conditions = [name for name in names if any((run / name).glob("seed_*"))]
    for name in conditions:
        if not CONDITION.fullmatch(name):
            raise UngradableError(f"{name!r} is no name for a condition")
    return conditions


def grade_seed(condition: Path, seed: int, d_sae: int, exam: Exam) -> Graded:
    """Grade one artefact folder, `<condition>/seed_<s>`."""
    run, artefact = condition.parent, f"{condition.name}/seed_{seed}"
    shape = (exam.data.d_in, d_sae)
    try:
        weights = read_untrusted(run, f"{artefact}/weights.safetensors", largest_file(*shape))
        source = read_untrusted(run, f"{artefact}/encoder.py", SOURCE_BYTES)
        W_dec_FD, b_dec_D = decoder(weights, d_sae, exam.data.d_in)
        check_start(W_dec_FD, seed)
        first, second = exam.hosts
        with first.encoder(source, weights, shape) as encoder:
            measured = measure(encoder, exam, W_dec_FD, b_dec_D)
        with second.encoder(source, weights, shape) as encoder:
            check_repeatable(encoder, exam.data, measured.kept)
        return Graded(
            metrics={name: finite(value) for name, value in measured.metrics(exam).items()},
            config=read_record(run, f"{artefact}/config.json"),
            measured=read_record(run, f"{artefact}/measured.json"),
        )
    except (UngradableError, EncoderError) as error:
        raise UngradableError(_reason_last(artefact, str(error))) from error


class Measured:
    """What one pass over all sequences leaves: sums, and what the splice, the probes and the second pass need."""

    def __init__(self, exam: Exam, d_sae: int) -> None:
        rows, tokens, d_in = exam.splice.rows, exam.data.context, exam.data.d_in
        self.totals = Totals()
        self.pairs = {lag: Pairs(d_sae, lag) for lag in LAGS}
        self.x_hat_NTD = torch.empty(rows, tokens, d_in)
        self.mean_NF = torch.empty(len(exam.data), d_sae)
        self.kept: dict[int, Tensor] = {}

    def metrics(self, exam: Exam) -> dict[str, float | None]:
        """Return the metrics by the names that template.toml gives them."""
        near, far = (self.pairs[lag] for lag in LAGS)
        return {
            **self.totals.all(),
            "autocorrelation": near.autocorrelation(),
            "autocorrelation_4": far.autocorrelation(),
            "transition_entropy": near.transition_entropy(),
            **exam.splice.scores(self.x_hat_NTD),
            **{f"probing_{k}": exam.labels.accuracy(self.mean_NF, k) for k in SIZES},
        }


def measure(encoder: RemoteEncoder, exam: Exam, W_dec_FD: Tensor, b_dec_D: Tensor) -> Measured:
    """Encode all sequences one by one in shuffled order, and decode and measure them."""
    measured, kept = Measured(exam, len(W_dec_FD)), exam.kept
    for row in np.random.default_rng(SHUFFLE_SEED).permutation(len(exam.data)).tolist():
        x_TD = exam.data.batch(slice(row, row + 1))[0]
        f_TF = encoder.encode(x_TD)
        x_hat_TD = f_TF @ W_dec_FD + b_dec_D
        measured.totals.add(x_TD, x_hat_TD, f_TF, exam.mean)
        for pairs in measured.pairs.values():
            pairs.add(f_TF)
        measured.mean_NF[row] = f_TF.mean(dim=0)
        if row < exam.splice.rows:
            measured.x_hat_NTD[row] = x_hat_TD
        if row in kept:
            measured.kept[row] = f_TF
    return measured


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
