"""From a profile to the parts in the store: what they depend on, what is missing, and the computing of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from temporal_sae import corpus, store
from temporal_sae.activations import (
    DTYPE,
    ResidualStream,
    as_stored,
    compute,
    encode,
    hook_name,
    load_tokenizer,
    norms,
    scale_to_unit,
    start_token,
)
from temporal_sae.allocator import keep_freed_memory
from temporal_sae.inflow import MARK
from temporal_sae.sources import Sources
from temporal_sae.storage import append_json_line, locked, write_array, write_json

# Raise this when the code below makes other numbers from the same input.
PRODUCER = 1
DISK_CAP_GB = 20.0
# The scale is that of the first so many tokens of train (rounded up to a chunk): at a CPU's scale, of all of them.
SCALE_TOKENS = 1 << 18


def describe(profile: Mapping[str, Any], sources: Sources, cache: Path, corpus_sha256: str) -> dict[str, Any]:
    """Return everything that the activations depend on: what the key is a hash of."""
    about = {
        "model": Path(profile["model"]).name,
        "model_sha256": sources.model_sha256(cache),
        "corpus_sha256": corpus_sha256,
        "layer": profile["layer"],
        "context": profile["context"],
        "sequences": {part: profile[f"{part}_sequences"] for part in corpus.PARTS},
        "dtype": np.dtype(DTYPE).name,
        "producer": PRODUCER,
    }
    if profile.get("dtype", "fp32") != "fp32":
        about["computed_in"] = profile["dtype"]
    if streams(profile, sources):
        about["streamed"] = "train"
    return about


def store_folder(cache: Path, about: Mapping[str, Any]) -> Path:
    """Return the folder of the parts that `about` describes."""
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    return cache / "activations" / key


def cap_bytes(profile: Mapping[str, Any]) -> int:
    """Return how much the activations of all profiles together may take: `disk_cap_gb`, in GiB."""
    return int(float(profile.get("disk_cap_gb", DISK_CAP_GB)) * store.GIB)


def stored_bytes(profile: Mapping[str, Any], sources: Sources) -> dict[str, int]:
    """Return the size of each part's x.npy where it is stored whole."""
    token_bytes = int(sources.model_config["hidden_size"]) * np.dtype(DTYPE).itemsize
    return {part: profile[f"{part}_sequences"] * profile["context"] * token_bytes for part in corpus.PARTS}


def streams(profile: Mapping[str, Any], sources: Sources) -> bool:
    """Return whether train is streamed, since the parts together pass the cap."""
    return sum(stored_bytes(profile, sources).values()) > cap_bytes(profile)


def kept_bytes(profile: Mapping[str, Any], sources: Sources) -> int:
    """Return the size of what is stored in the end, less the little that is kept of a streamed part."""
    sizes = stored_bytes(profile, sources)
    return sum(sizes.values()) - (sizes["train"] if streams(profile, sources) else 0)


class Report:
    """How far a production is: for whoever watches this process, and for the processes that wait for it."""

    def __init__(self, out: Path, folder: Path) -> None:
        self.out, self.folder = out, folder
        self.done = self.total = 0

    def count(self, sequences: int) -> None:
        """Count so many more sequences, and say so."""
        self.done += sequences
        state = {"done": self.done, "total": self.total}
        append_json_line(self.out / "progress.jsonl", {"what": "activations", **state})
        write_json(self.folder / "progress.json", state)

    def wait(self) -> None:
        """Say how far the process is that holds the lock."""
        with contextlib.suppress(OSError, ValueError):
            state = json.loads((self.folder / "progress.json").read_text("utf-8"))
            append_json_line(self.out / "progress.jsonl", {"what": "activations, by another process", **state})


@dataclass(frozen=True)
class Work:
    """What a production works on. `about` is what `describe` gives."""

    profile: dict[str, Any]
    about: dict[str, Any]
    sources: Sources
    documents: dict[str, str]
    report: Report

    @property
    def folder(self) -> Path:
        """Where the parts lie."""
        return self.report.folder

    @cached_property
    def tokenizer(self) -> object:
        """The model's tokenizer."""
        return load_tokenizer(self.sources.model)

    @cached_property
    def tokens(self) -> dict[str, corpus.TokenSequences]:
        """The token sequences of each part; ValueError where the text is too short for one."""
        texts = corpus.split(self.documents)
        return {part: self._cut(part, texts[part]) for part in corpus.PARTS}

    def _cut(self, part: str, texts: dict[str, str]) -> corpus.TokenSequences:
        wanted = self.about["sequences"][part]
        return corpus.token_sequences(texts, lambda text: encode(self.tokenizer, text), self.about["context"], wanted)

    def streamed(self, part: str) -> bool:
        """Return whether `part` is streamed, and only its first chunk stored."""
        return self.about.get("streamed") == part

    def shape(self, part: str, d_in: int) -> tuple[int, int, int]:
        """Return the shape of x.npy."""
        sequences = self.about["sequences"][part]
        return (min(sequences, store.CHUNK) if self.streamed(part) else sequences, self.about["context"], d_in)

    def meta(self, part: str, scale: float) -> dict[str, Any]:
        """Return meta.json of a part, less what follows from its files."""
        return {
            **self.about,
            "part": part,
            "scale": scale,
            "hook_name": hook_name(self.about["layer"]),
            "model_folder": str(self.sources.model),
            "start_token": start_token(self.tokenizer, self.sources.model),
            "device": self.profile.get("device", "cpu"),
        }


def produce(work: Work) -> None:
    """Compute the missing parts, chunk by chunk, going on where an interrupted process stopped."""
    missing = [part for part in corpus.PARTS if not (work.folder / part).is_dir()]
    if not missing:
        return
    keep_freed_memory()
    precision = {"device": work.profile.get("device", "cpu"), "dtype": work.profile.get("dtype", "fp32")}
    stream = ResidualStream(work.sources.model, work.profile["layer"], **precision)
    production = Production(work, stream, claim(work, missing, stream.d_in))
    scale = production.scale()
    for part in missing:
        production.finish(part, scale)
    production.discard_sample()


def claim(work: Work, missing: Iterable[str], d_in: int) -> dict[str, store.Draft]:
    """Return a draft of each missing part, with its disk; raises NoSpaceError."""
    sizes = [int(np.prod(work.shape(part, d_in))) * np.dtype(DTYPE).itemsize for part in corpus.PARTS]
    root = work.folder.parent
    with locked(root):
        store.check_space(root, work.folder.name, sum(sizes), cap_bytes(work.profile))
        return {part: store.Draft(work.folder / part, work.shape(part, d_in)) for part in missing}


class Production:
    """The computing of the missing parts.

    The scale is known only after the first tokens of train. Their activations wait for it in float32 below `.sample`,
    so that they are computed once, and survive an interruption like the others.
    """

    def __init__(self, work: Work, stream: ResidualStream, drafts: Mapping[str, store.Draft]) -> None:
        self.work, self.stream, self.drafts = work, stream, drafts
        self.sample = work.folder / ".sample"
        self.sample.mkdir(exist_ok=True)
        sequences = min(work.about["sequences"]["train"], SCALE_TOKENS // work.about["context"] or 1)
        self.sampled = len(store.chunks(sequences)) if "train" in drafts else 0
        work.report.total = sum(map(self._rows, drafts))
        work.report.done = work.report.total - sum(map(self._rows_to_compute, drafts))

    def scale(self) -> float:
        """Return the factor of all parts: as train's meta.json has it, or from the sample."""
        if "train" not in self.drafts:
            return float(json.loads((self.work.folder / "train" / "meta.json").read_text("utf-8"))["scale"])
        lengths = [norms(self._unscaled("train", index)) for index in range(self.sampled)]
        return scale_to_unit(np.concatenate(lengths), self.stream.d_in)

    def finish(self, part: str, scale: float) -> None:
        """Compute the chunks that `part` lacks, and publish it."""
        draft = self.drafts[part]
        for index in range(len(draft.chunks)):
            if index not in draft.sums:
                draft.put(index, as_stored(self._unscaled(part, index), scale))
        tokens = self.work.tokens[part]
        if self.work.streamed(part):
            write_json(draft.folder / MARK, {"sequences": len(tokens.tokens_NT)})
        draft.finish(tokens, self.work.meta(part, scale))

    def discard_sample(self) -> None:
        """Remove what waited for the scale."""
        shutil.rmtree(self.sample)

    def _unscaled(self, part: str, index: int) -> np.ndarray:
        kept = self._kept(part, index)
        if kept and kept.exists():
            return np.load(kept, allow_pickle=False)
        rows = slice(index * store.CHUNK, (index + 1) * store.CHUNK)
        x_NTD = compute(self.stream, self.work.tokens[part].tokens_NT[rows], self.work.report.count)
        if kept:
            write_array(kept, x_NTD)
        return x_NTD

    def _kept(self, part: str, index: int) -> Path | None:
        return self.sample / f"{index}.npy" if part == "train" and index < self.sampled else None

    def _chunks(self, part: str) -> int:
        return max(len(self.drafts[part].chunks), self.sampled if part == "train" else 0)

    def _rows(self, part: str) -> int:
        return min(self._chunks(part) * store.CHUNK, self.work.about["sequences"][part])

    def _rows_to_compute(self, part: str) -> int:
        sizes = [min(store.CHUNK, self._rows(part) - start) for start in range(0, self._rows(part), store.CHUNK)]
        return sum(size for index, size in enumerate(sizes) if not self._there(part, index))

    def _there(self, part: str, index: int) -> bool:
        kept = self._kept(part, index)
        return kept.exists() if kept else index in self.drafts[part].sums


def complete(work: Work, part: str) -> None:
    """Add what a part of an older store lacks: tokens, checksums, and where the model lies now."""
    folder = work.folder / part
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    if "file_sha256" not in meta:
        store.write_tokens(folder, work.tokens[part])
        meta |= store.checksums(folder)
    elif meta["model_folder"] == str(work.sources.model):
        return
    write_json(folder / "meta.json", {**meta, **work.meta(part, meta["scale"])})
