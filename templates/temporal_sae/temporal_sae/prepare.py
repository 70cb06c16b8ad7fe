"""Makes the data that runs and grader read. Trusted; needs no network.

    python -m temporal_sae.prepare --profile FILE.json --cache DIR --out DIR

The activations lie in `CACHE/activations/<key>/<part>/{x.npy, meta.json}`, shared by all runs of all ideas, and are
computed only where they are missing. `OUT/parts.json` says where they are; `OUT/progress.jsonl` says how far it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from temporal_sae import corpus
from temporal_sae.activations import DTYPE, ResidualStream, compute, scale_to_unit
from temporal_sae.allocator import keep_freed_memory
from temporal_sae.storage import append_json_line, publish, write_json

# Raise this when the code below makes other numbers from the same input.
PRODUCER = 1


def main() -> None:
    """Make or find the four parts of the profile's data."""
    parser = argparse.ArgumentParser(description="Compute the activations of a profile.")
    for flag in ("--profile", "--cache", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    # transformers must not look for a newer model: everything that is used lies in the cache.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    prepare(json.loads(given.profile.read_text("utf-8")), given.cache.resolve(), given.out.resolve())


def prepare(profile: dict[str, Any], cache: Path, out: Path) -> None:
    """Compute what is missing, part by part, and write `out/parts.json`."""
    model = cache / "models" / profile["model"]
    if not model.is_dir():
        raise FileNotFoundError(f"{model}: no such model; fetch it first")
    documents = corpus.read_documents(cache / "text" / profile["text"])
    about = describe(profile, (model / "weights.sha256").read_text("utf-8").strip(), corpus.corpus_digest(documents))
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache / "activations" / key
    out.mkdir(parents=True, exist_ok=True)
    if not all((folder / part).is_dir() for part in corpus.PARTS):
        produce(profile, about, documents, Stages(model, folder, out))
    parts = {part: str(folder / part) for part in corpus.PARTS}
    write_json(out / "parts.json", {"key": key, "parts": parts})


def describe(profile: dict[str, Any], model_sha256: str, corpus_sha256: str) -> dict[str, Any]:
    """Return everything that the activations depend on: what the key is a hash of."""
    return {
        "model": profile["model"],
        "model_sha256": model_sha256,
        "corpus_sha256": corpus_sha256,
        "layer": profile["layer"],
        "context": profile["context"],
        "sequences": {part: profile[f"{part}_sequences"] for part in corpus.PARTS},
        "dtype": np.dtype(DTYPE).name,
        "producer": PRODUCER,
    }


class Stages:
    """Where a production reads and writes, and how far it is."""

    def __init__(self, model: Path, folder: Path, out: Path) -> None:
        self.model, self.folder, self.out = model, folder, out
        self.done = self.total = 0

    def report(self, count: int) -> None:
        """Count `count` more sequences and say so."""
        self.done += count
        append_json_line(self.out / "progress.jsonl", {"what": "activations", "done": self.done, "total": self.total})


def produce(profile: dict[str, Any], about: dict[str, Any], documents: dict[str, str], stages: Stages) -> None:
    """Compute the parts in order. The scale comes from train, which is therefore always the first."""
    keep_freed_memory()
    stream = ResidualStream(stages.model, profile["layer"])
    stages.total = sum(about["sequences"].values())
    scale = 0.0
    for part, sequences in tokenised(about, documents, stream):
        if (stages.folder / part).is_dir():
            scale = scale or json.loads((stages.folder / part / "meta.json").read_text("utf-8"))["scale"]
            stages.report(len(sequences))
            continue
        x_NTD = compute(stream, sequences, stages.report)
        scale = scale or scale_to_unit(x_NTD)
        meta = {**about, "part": part, "scale": scale, "shape": x_NTD.shape, "hook_name": hook_name(profile["layer"])}
        publish(stages.folder / part, lambda draft, x=x_NTD, meta=meta: write_part(draft, x, meta))


def tokenised(
    about: dict[str, Any], documents: dict[str, str], stream: ResidualStream
) -> Iterator[tuple[str, list[list[int]]]]:
    """Yield each part with its token sequences, train first."""
    parts = corpus.split(documents)
    for part in corpus.PARTS:
        yield part, corpus.token_sequences(parts[part], stream.encode, about["context"], about["sequences"][part])


def write_part(folder: Path, x_NTD: np.ndarray, meta: dict[str, Any]) -> None:
    """Write `x.npy` (N, T, d_in), scaled, and `meta.json`; ValueError if a value is not finite in the stored type."""
    with np.errstate(over="ignore"):
        stored = (x_NTD * np.float32(meta["scale"])).astype(DTYPE)
    if not np.isfinite(stored).all():
        raise ValueError(f"{meta['hook_name']}: an activation does not fit into {meta['dtype']}; choose another layer")
    np.save(folder / "x.npy", stored)
    write_json(folder / "meta.json", meta)


def hook_name(layer: int) -> str:
    """Return the field's name for the residual stream after block `layer`."""
    return f"blocks.{layer}.hook_resid_post"


if __name__ == "__main__":
    main()
