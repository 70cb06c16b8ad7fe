"""How activations that are not stored reach a run: chunk files that a trusted producer writes ahead of it (stream.py).

The run says what it wants, and how far it is, in one small file in its own directory, rewritten as it goes. The
producer answers with files in a folder that the run can only read:

    RUN/stream.json           {"id", "seed", "size", "steps", "taken"}: which batches, and how many chunks are used up
    FOLDER/<id>-<chunk>.npy   (sequences, T, d_in): the batches of a chunk, one after another, at most AHEAD files

Which rows a batch has follows from seed, size and steps alone, as it does where all of train is stored.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from temporal_sae.storage import UnreadableError, read_untrusted, write_json

MARK = "streamed.json"
REQUEST = "stream.json"
REQUEST_BYTES = 4096
AHEAD = 4
CHUNK_SEQUENCES = 32
MAX_BATCH = 1024
POLL_S = 0.005
WAIT_S = 300.0


@dataclass(frozen=True)
class Request:
    """What a run wants: `steps` batches of `size` sequences in the order of `seed`; `taken` chunks are used up."""

    id: str
    seed: int
    size: int
    steps: int
    taken: int = 0

    @classmethod
    def read(cls, run: Path) -> Self | None:
        """Return the request that untrusted code left in its run directory; None where there is no valid one."""
        try:
            value = json.loads(read_untrusted(run, REQUEST, REQUEST_BYTES))
            wanted = cls(uuid.UUID(hex=value["id"]).hex, *(value[name] for name in ("seed", "size", "steps", "taken")))
        except (UnreadableError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        numbers = (wanted.seed, wanted.size, wanted.steps, wanted.taken)
        good = all(type(number) is int and number >= 0 for number in numbers) and 0 < wanted.size <= MAX_BATCH
        return wanted if good else None

    @property
    def batches_per_chunk(self) -> int:
        """Batches in one file: as many as the language model takes at once, and at least one."""
        return max(1, CHUNK_SEQUENCES // self.size)

    @property
    def chunks(self) -> int:
        """Files in all."""
        return -(-self.steps // self.batches_per_chunk)

    def chunk(self, folder: Path, index: int) -> Path:
        """Return the path of a chunk."""
        return folder / f"{self.id}-{index}.npy"


class Inflow:
    """The run's end: asks for batches, and waits for them."""

    def __init__(self, folder: Path) -> None:
        """Read which run directory requests go to, and how many sequences there are."""
        given = json.loads((folder / MARK).read_text("utf-8"))
        self.folder, self.run, self.sequences = folder, Path(given["run"]), int(given["sequences"])

    def batches(self, size: int, steps: int, seed: int) -> Iterator[np.ndarray]:
        """Yield the batches (size, T, d_in) in the stored type.

        Raises ValueError for batches that are too large to stream, TimeoutError where none comes for five minutes.
        """
        if size > MAX_BATCH:
            raise ValueError(f"batches of {size} sequences can't be streamed; {MAX_BATCH} can")
        wanted = Request(uuid.uuid4().hex, seed, size, steps)
        for index in range(wanted.chunks):
            write_json(self.run / REQUEST, {**asdict(wanted), "taken": index})
            x_NTD = self._wait(wanted.chunk(self.folder, index))
            for start in range(0, len(x_NTD), size):
                yield x_NTD[start : start + size]

    def _wait(self, path: Path) -> np.ndarray:
        deadline = time.monotonic() + WAIT_S
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no activations came within {WAIT_S:g} s: {path.name}")
            time.sleep(POLL_S)
        return np.load(path, allow_pickle=False)
