"""Streams a part that isn't stored to one run. Trusted; it never sees the run's code, and needs no network.

    python -m temporal_sae.stream --part PART_DIR --run RUN_DIR --out DIR

Makes DIR a part's folder, writes `ready` to standard output, and then answers what RUN_DIR/stream.json asks for
(inflow.py says how) until it is ended.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from temporal_sae.inflow import AHEAD, MARK, POLL_S, Request
from temporal_sae.storage import write_array, write_json

Compute = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Serve one run."""
    parser = argparse.ArgumentParser(description="Stream activations to a run.")
    for flag in ("--part", "--run", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    meta = json.loads((given.part / "meta.json").read_text("utf-8"))
    tokens_NT = np.load(given.part / "tokens.npy", mmap_mode="r", allow_pickle=False)
    shutil.copyfile(given.part / "x.npy", given.out / "x.npy")
    write_json(given.out / MARK, {"sequences": len(tokens_NT), "run": str(given.run)})
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    serve(given.run, given.out, tokens_NT, computer(meta))


def computer(meta: dict[str, Any]) -> Compute:
    """Return the function from tokens (N, T) to activations (N, T, d_in) as stored."""
    # What a run has to wait for is done before this import, which takes seconds.
    from temporal_sae.activations import ResidualStream, as_stored, compute

    precision = {"device": "auto" if meta["device"] == "cuda" else "cpu", "dtype": meta.get("computed_in", "fp32")}
    stream = ResidualStream(Path(meta["model_folder"]), meta["layer"], **precision)
    return lambda tokens_NT: as_stored(compute(stream, tokens_NT, lambda _count: None), meta["scale"])


def serve(run: Path, out: Path, tokens_NT: np.ndarray, compute: Compute) -> None:
    """Keep the next few chunks of whatever the run asks for in `out`. Does not return."""
    feed = None
    while True:
        wanted = Request.read(run)
        if wanted is None or wanted.size > len(tokens_NT):
            time.sleep(POLL_S)
            continue
        if feed is None or feed.wanted.id != wanted.id or wanted.taken > feed.next:
            feed = Feed(wanted, len(tokens_NT), out)
        feed.forget(wanted.taken)
        if feed.next < min(wanted.taken + AHEAD, wanted.chunks):
            feed.write(tokens_NT, compute)
        else:
            time.sleep(POLL_S)


class Feed:
    """The chunks of one request, in order. `next` is the chunk that would be written now."""

    def __init__(self, wanted: Request, sequences: int, out: Path) -> None:
        """Begin at what the run hasn't taken; chunks of earlier requests are removed."""
        from temporal_sae.data import shuffled

        self.wanted, self.next, self._out, self._first = wanted, wanted.taken, out, wanted.taken
        for path in out.glob("*-*.npy"):
            path.unlink()
        done = wanted.taken * wanted.batches_per_chunk
        self._rows: Iterator[np.ndarray] = islice(
            shuffled(sequences, wanted.size, wanted.steps, wanted.seed), done, None
        )

    def write(self, tokens_NT: np.ndarray, compute: Compute) -> None:
        """Compute the next chunk."""
        rows = np.concatenate(list(islice(self._rows, self.wanted.batches_per_chunk)))
        write_array(self.wanted.chunk(self._out, self.next), compute(tokens_NT[rows]))
        self.next += 1

    def forget(self, taken: int) -> None:
        """Remove the chunks that were used up."""
        for index in range(self._first, min(taken, self.next)):
            self.wanted.chunk(self._out, index).unlink()
        self._first = min(max(self._first, taken), self.next)


if __name__ == "__main__":
    main()
