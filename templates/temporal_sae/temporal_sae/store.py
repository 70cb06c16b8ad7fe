"""The activation store: `CACHE/activations/<key>/<part>/`, shared by all runs of all ideas, read-only for them.

A finished part holds
    x.npy           (N, T, d_in) float16, scaled, to be memory-mapped
    tokens.npy      (N, T) int32: the token at each position of x
    documents.npy   (N,) int32: which document a sequence is from, an index into documents.json (a list of names)
    positions.npy   (N,) int32: at which of its document's tokens it begins
    meta.json       what it was made from, the scale, and the SHA-256 of every file and of every chunk of x
While it is made it is called `.<part>.draft`, with x.npy at its full size and `chunks.jsonl`, a line for each chunk
that has reached the disk; whoever comes next goes on after these. One process at a time makes a key's parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from temporal_sae.activations import DTYPE
from temporal_sae.corpus import TokenSequences
from temporal_sae.storage import append_json_line, write_array, write_json

CHUNK = 256  # sequences; a multiple of activations.BATCH, so that no batch of the model's depends on where one begins
CHECKED_BYTES = 1 << 30
GIB = 1 << 30
ARRAYS = ("tokens.npy", "documents.npy", "positions.npy")


class NoSpaceError(Exception):
    """The store would pass its cap, or the disk would fill up; the message names the folder and what to free."""


class DamagedError(Exception):
    """A part is not what was written; the message names the file and what to do."""


def used_bytes(root: Path) -> int:
    """Return the size of everything below `root`."""
    return sum(size_of(path) for path in root.rglob("*"))


def size_of(path: Path) -> int:
    """Return a file's size; 0 for what is no file, or was removed by another process just now."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size if path.is_file() else 0
    return 0


def check_space(root: Path, key: str, needed: int, cap: int) -> None:
    """Raise NoSpaceError where `needed` bytes for `key` pass the cap together with other keys, or the free disk."""
    own = used_bytes(root / key)
    others = used_bytes(root) - own
    if others + max(needed, own) > cap:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and path.name != key)
        listed = ", ".join(f"{path.name} ({used_bytes(path) / GIB:.2f} GiB)" for path in folders)
        raise NoSpaceError(
            f"{root}: {needed / GIB:.2f} GiB of activations are needed and {others / GIB:.2f} GiB are used, with a cap "
            f"of {cap / GIB:g} GiB; delete folders there that no idea needs any more ({listed or 'none'}), "
            "or raise disk_cap_gb in the profile"
        )
    missing, free = needed - own, shutil.disk_usage(root).free
    if missing > free:
        sizes = f"{missing / GIB:.2f} GiB are needed and {free / GIB:.2f} GiB are free"
        raise NoSpaceError(f"{root}: {sizes} on this disk; free some of it")


class Draft:
    """A part while it is made: chunk after chunk, in any number of attempts."""

    def __init__(self, final: Path, shape: tuple[int, int, int]) -> None:
        """Find what an earlier attempt left, or claim the disk for all of x.npy (OSError where it isn't there)."""
        self.final, self.folder = final, final.with_name(f".{final.name}.draft")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "x.npy").exists():
            _allocate(self.folder / "x.npy", shape)
        self.x_NTD = np.load(self.folder / "x.npy", mmap_mode="r+", allow_pickle=False)
        self.sums = self._intact()

    @property
    def chunks(self) -> list[slice]:
        """The rows of each chunk."""
        return chunks(len(self.x_NTD))

    def put(self, index: int, stored_NTD: np.ndarray) -> None:
        """Write a chunk; it counts from the moment at which its line is on the disk."""
        self.x_NTD[self.chunks[index]] = stored_NTD
        self.x_NTD.flush()
        self.sums[index] = _sha256(stored_NTD)
        append_json_line(self.folder / "chunks.jsonl", {"chunk": index, "sha256": self.sums[index]}, durable=True)

    def finish(self, tokens: TokenSequences, meta: dict[str, Any]) -> None:
        """Write what belongs to x.npy, and give the part its name."""
        write_tokens(self.folder, tokens)
        sums = [self.sums[index] for index in range(len(self.chunks))]
        write_json(self.folder / "meta.json", {**meta, **checksums(self.folder, sums), "shape": self.x_NTD.shape})
        (self.folder / "chunks.jsonl").unlink()
        self.folder.rename(self.final)

    def _intact(self) -> dict[int, str]:
        """Return the checksums of the chunks whose rows are what was written; a crash can tear the last one."""
        path = self.folder / "chunks.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        kept = {}
        for line in lines:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if _sha256(self.x_NTD[self.chunks[entry["chunk"]]]) == entry["sha256"]:
                    kept[entry["chunk"]] = entry["sha256"]
        return kept


def chunks(sequences: int) -> list[slice]:
    """Return the rows of each chunk of so many sequences."""
    return [slice(start, min(start + CHUNK, sequences)) for start in range(0, sequences, CHUNK)]


def write_tokens(folder: Path, tokens: TokenSequences) -> None:
    """Write the tokens of a part and where they are from, each file whole or not at all."""
    for name, array in zip(ARRAYS, (tokens.tokens_NT, tokens.documents_N, tokens.positions_N), strict=True):
        write_array(folder / name, array)
    write_json(folder / "documents.json", list(tokens.names))


def checksums(folder: Path, chunk_sums: list[str] | None = None) -> dict[str, Any]:
    """Return meta.json's entries on the files as they are; x.npy is hashed where its chunks' sums aren't given."""
    if chunk_sums is None:
        x_NTD = np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
        chunk_sums = [_sha256(x_NTD[rows]) for rows in chunks(len(x_NTD))]
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*ARRAYS, "documents.json")}
    return {"chunk_sequences": CHUNK, "chunk_sha256": chunk_sums, "file_sha256": files}


def verify(folder: Path, limit_bytes: int = CHECKED_BYTES) -> None:
    """Raise DamagedError where a part's files differ from its checksums.

    x.npy is read up to `limit_bytes`, in chunks spread over it; its size and the other files are always checked.
    """
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    x_NTD = np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
    every = chunks(len(x_NTD))
    stride = -(-x_NTD.nbytes // limit_bytes)
    good = list(x_NTD.shape) == meta["shape"] and len(every) == len(meta["chunk_sha256"])
    if not good or any(_sha256(x_NTD[every[i]]) != meta["chunk_sha256"][i] for i in range(0, len(every), stride)):
        raise DamagedError(_damaged(folder / "x.npy"))
    for name, sha256 in meta["file_sha256"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise DamagedError(_damaged(folder / name))


def _damaged(path: Path) -> str:
    return f"{path}: not what was written there; delete {path.parent} and start again, and it is computed anew"


def _allocate(path: Path, shape: tuple[int, int, int]) -> None:
    draft = path.with_name(f".{path.name}")
    np.lib.format.open_memmap(draft, mode="w+", dtype=DTYPE, shape=shape).flush()
    with draft.open("r+b") as file:
        # A sparse file would let the disk fill up hours later, and a write through a memory map then ends the process.
        os.posix_fallocate(file.fileno(), 0, draft.stat().st_size)
    draft.rename(path)


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
