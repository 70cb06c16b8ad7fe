"""Fifteen runs on stored activations against fifteen runs that compute their own.

    OMP_WAIT_POLICY=PASSIVE PYTHONPATH=templates/temporal_sae \\
        .envs/temporal_sae/bin/python benchmarks/store.py [--turns 3] [--sequences 96]

The setting is the cpu profile's: SmolLM2-135M up to block 9, sequences of 64 tokens, 1152 features, batches of 16; a
run is one pass over the sequences by the template's own training step. One arm computes the activations once, writes
them through the store and maps them into memory; the other computes each batch's as it comes, with the model loaded
already (which a real run would do each time). All runs of both arms alternate in one process, so that other work on the
machine slows both alike; a turn is one idea of fifteen runs. bf16 is measured where the processor computes in it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from temporal_sae import corpus, store
from temporal_sae.activations import ResidualStream, as_stored, compute, norms, scale_to_unit
from temporal_sae.allocator import keep_freed_memory
from temporal_sae.data import Sequences, shuffled, to_tensor
from temporal_sae.sae import SparseAutoencoder
from temporal_sae.training import Recipe, State, Training
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "temporal_sae"
RUNS, LAYER, CONTEXT, D_SAE, BATCH = 15, 9, 64, 1152, 16
sys.path.insert(0, str(ROOT / "templates" / "temporal_sae"))


@dataclass
class Idea:
    """Seconds that one idea of fifteen runs took, in either way; `extraction_s` is part of the stored way."""

    extraction_s: float
    stored_s: list[float] = field(default_factory=list)
    computed_s: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times longer it takes without the store."""
        return sum(self.computed_s) / (self.extraction_s + sum(self.stored_s))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="What storing activations saves.")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sequences", type=int, default=96)
    parser.add_argument("--cache", type=Path, default=CACHE)
    given = parser.parse_args()
    bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    print(f"{torch.get_num_threads()} threads; {RUNS} runs on {given.sequences} sequences; medians (range)")
    print(f"{'model in':<10}{'extraction, tokens/s':>28}{'training, tokens/s':>28}{'recomputing / store':>28}")
    for dtype in ("fp32", "bf16") if bf16 else ("fp32",):
        bench = Bench(given.cache, given.sequences, dtype)
        ideas = [bench.idea(turn) for turn in range(given.turns)]
        tokens = given.sequences * CONTEXT
        columns = (
            [tokens / idea.extraction_s for idea in ideas],
            [tokens / run for idea in ideas for run in idea.stored_s],
            [idea.ratio for idea in ideas],
        )
        print(f"{dtype:<10}" + "".join(f"{spread(values):>28}" for values in columns))
    if not bf16:
        print("bf16: not measured, this processor doesn't compute in it")


def spread(values: list[float]) -> str:
    """Return the median with the range."""
    digits = 1 if max(values) < 1000 else 0
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


class Bench:
    """The two ways of one idea."""

    def __init__(self, cache: Path, sequences: int, dtype: str) -> None:
        documents = corpus.split(corpus.read_documents(cache / "text" / "django-5.2-docs"))["train"]
        few = dict(list(documents.items())[:60])
        self.stream = ResidualStream(cache / "models" / "smollm2-135m-instruct", LAYER, dtype=dtype)
        self.tokens = corpus.token_sequences(few, self.stream.encode, CONTEXT, sequences)
        x_NTD = self.compute(self.tokens.tokens_NT[:32])
        self.scale = scale_to_unit(norms(x_NTD), self.stream.d_in)
        self.mean_D = to_tensor(as_stored(x_NTD, self.scale)).mean(dim=(0, 1))

    def compute(self, tokens_NT: np.ndarray) -> np.ndarray:
        """Return activations of tokens."""
        return compute(self.stream, tokens_NT, lambda _count: None)

    def idea(self, turn: int) -> Idea:
        """Measure fifteen runs in either way, in turns."""
        keep_freed_memory()
        with tempfile.TemporaryDirectory() as scratch:
            part = Path(scratch) / "train"
            idea = Idea(extraction_s=timed(lambda: self.extract(part)))
            data = Sequences(part)
            for run in range(RUNS):
                seed = 100 * turn + run
                idea.stored_s.append(timed(lambda seed=seed: self.train(data.batches(BATCH, self.steps, seed), seed)))
                idea.computed_s.append(timed(lambda seed=seed: self.train(self.on_the_fly(seed), seed)))
        print(f"  turn {turn + 1}: {idea.ratio:.1f} times", file=sys.stderr, flush=True)
        return idea

    @property
    def steps(self) -> int:
        """Batches in one pass over the sequences."""
        return len(self.tokens.tokens_NT) // BATCH

    def extract(self, part: Path) -> None:
        """Compute all activations once and write them as the store does."""
        draft = store.Draft(part, (*self.tokens.tokens_NT.shape, self.stream.d_in))
        for index, rows in enumerate(draft.chunks):
            draft.put(index, as_stored(self.compute(self.tokens.tokens_NT[rows]), self.scale))
        draft.finish(self.tokens, {"scale": self.scale})

    def on_the_fly(self, seed: int) -> Iterator[Tensor]:
        """Yield the same batches as the store gives, computed now."""
        for rows in shuffled(len(self.tokens.tokens_NT), BATCH, self.steps, seed):
            yield to_tensor(as_stored(self.compute(self.tokens.tokens_NT[rows]), self.scale))

    def train(self, batches: Iterator[Tensor], seed: int) -> None:
        """Train the baseline's autoencoder on the batches."""
        import experiment

        torch.manual_seed(seed)
        functions = (experiment.encode, experiment.loss, experiment.extra_weights)
        numbers = (experiment.LEARNING_RATE, experiment.WARMUP, experiment.DECAY, experiment.CLIP_NORM)
        recipe = Recipe(experiment.ARCHITECTURE, *functions, *numbers, experiment.DEAD_AFTER, experiment.RESAMPLE_EVERY)
        sae = SparseAutoencoder(self.stream.d_in, D_SAE, self.mean_D, {})
        training = Training(sae, recipe, State({"l1": 0.001}, steps=self.steps), {"device": "cpu", "dtype": "fp32"})
        for x_BTD in batches:
            training.step(x_BTD)


def timed(work: Callable[[], None]) -> float:
    """Return how many seconds `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
