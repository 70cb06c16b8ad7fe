"""Says before anything is spent what stands in a profile's way, and what it will take.

    python -m temporal_sae.preflight --profile FILE.json --cache DIR --out DIR

Writes `OUT/preflight.json`: {"problems": [what is wrong and what to do, ...], "fetch": ["model", "text"] less what is
there, "expected": {"disk_mb", "artefacts_mb", "memory_mb", ...}}. Problems that show only in a model or a text
are looked for when those are there. Sizes are in MiB.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from temporal_sae import corpus, fetch, store
from temporal_sae.production import cap_bytes, describe, kept_bytes, store_folder, streams
from temporal_sae.sources import Sources, find_sources, is_hub_id
from temporal_sae.storage import write_json

MIB = 1 << 20
COUNTS = (
    *("seeds", "context", "d_sae", "steps", "batch_sequences"),
    *(f"{part}_sequences" for part in corpus.PARTS),
)
CHOICES = {"device": ("cpu", "cuda", "auto"), "dtype": ("fp32", "bf16")}
SPLICED = "splice_sequences"
OPTIONAL = ("revision", "disk_cap_gb", SPLICED, *CHOICES)
REQUIRED = ("name", "model", "text", "layer", *COUNTS)
# A process that has imported torch and transformers; a float32 weight with its gradient and Adam's two moments.
LIBRARIES_MB = 700
TRAINED_BYTES = 16
# run_0's curve has five conditions; an idea makes about ten more runs of one.
TRAININGS_PER_SEED = 15


def main() -> None:
    """Check one profile."""
    parser = argparse.ArgumentParser(description="Check a profile before it is used.")
    for flag in ("--profile", "--cache", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    profile = json.loads(given.profile.read_text("utf-8"))
    write_json(given.out / "preflight.json", preflight(profile, given.cache.resolve()))


def preflight(profile: dict[str, Any], cache: Path) -> dict[str, Any]:
    """Return what `preflight.json` holds."""
    problems = list(wrong_keys(profile))
    if problems:
        return {"problems": problems, "fetch": [], "expected": {}}
    sources = find_sources(profile, cache)
    missing = {"model": not sources.model.is_dir(), "text": not sources.text.exists()}
    problems += unfetchable(profile, missing)
    problems += wrong_device(profile)
    expected: dict[str, Any] = {}
    if not missing["model"]:
        problems += wrong_model(profile, sources)
    if not problems and not any(missing.values()):
        expected = expectation(profile, sources)
        problems += shortages(profile, sources, cache, expected)
    return {"problems": problems, "fetch": [what for what, absent in missing.items() if absent], "expected": expected}


def wrong_keys(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the profile's keys alone."""
    yield from (f"{key}: missing; add it to the profile" for key in REQUIRED if key not in profile)
    for key in sorted(profile.keys() - {*REQUIRED, *OPTIONAL}):
        if meant := difflib.get_close_matches(key, (*REQUIRED, *OPTIONAL), n=1, cutoff=0.8):
            yield f"{key}: no such key; did you mean {meant[0]}?"
    for key in (*COUNTS, SPLICED):
        if key in profile and (type(profile[key]) is not int or profile[key] < 1):
            yield f"{key}: {profile[key]!r} is no whole number from 1"
    for key, known in CHOICES.items():
        if profile.get(key, known[0]) not in known:
            yield f"{key}: {profile[key]!r} is none of {', '.join(known)}"
    layer = profile.get("layer", 0)
    if type(layer) is not int or layer < 0:
        yield f"layer: {layer!r} is no whole number from 0"
    cap = profile.get("disk_cap_gb", 1)
    if not isinstance(cap, int | float) or cap <= 0:
        yield f"disk_cap_gb: {cap!r} is no positive number"
    batch, train = profile.get("batch_sequences"), profile.get("train_sequences")
    if isinstance(batch, int) and isinstance(train, int) and train < batch:
        yield f"train_sequences: {train} are fewer than one batch of {batch}; nothing would be trained"


def unfetchable(profile: Mapping[str, Any], missing: Mapping[str, bool]) -> Iterator[str]:
    """Yield what is missing and can't be fetched either."""
    model, text = profile["model"], profile["text"]
    if missing["model"] and not is_hub_id(model) and model != fetch.MODEL:
        yield f"model: {model} is no folder, no organisation/name on a hub, and not {fetch.MODEL}"
    if missing["text"] and text != fetch.TEXT:
        yield f"text: {text} is no .jsonl file, no folder of .txt files, and not {fetch.TEXT}"


def wrong_device(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield that CUDA was asked for and isn't there."""
    if profile.get("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            yield "device: torch sees no CUDA device here; set it to 'cpu' or 'auto'"


def wrong_model(profile: Mapping[str, Any], sources: Sources) -> Iterator[str]:
    """Yield in what the model doesn't fit the profile, by its configuration alone."""
    if not (sources.model / "config.json").is_file():
        yield f"model: {sources.model} has no config.json; name a folder that transformers can load"
        return
    config = sources.model_config
    blocks, positions = config.get("num_hidden_layers"), config.get("max_position_embeddings")
    if not isinstance(blocks, int) or not isinstance(config.get("hidden_size"), int):
        yield f"model: {sources.model / 'config.json'} names no num_hidden_layers and hidden_size; choose another model"
        return
    if profile["layer"] >= blocks:
        yield f"layer: {profile['layer']} does not exist; the model has blocks 0 to {blocks - 1}"
    if isinstance(positions, int) and profile["context"] >= positions:
        yield f"context: {profile['context']} tokens and a start token pass the model's {positions} positions"
    if not any(sources.model.glob("*.safetensors")):
        yield f"model: {sources.model} has no .safetensors weights; save it again with transformers"


def expectation(profile: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """Return what the profile will take: sizes by shape and type; memory is that of the larger of two processes.

    One computes activations (weights, and a chunk in float32 twice over), the other trains (float32 weights, gradients
    and Adam's moments, a batch's codes a few times over); with `device` cuda these two stand in `gpu_mb`.
    """
    on_gpu = profile.get("device") == "cuda"
    d_in = int(sources.model_config["hidden_size"])
    weights = 2 * profile["d_sae"] * d_in + profile["d_sae"] + d_in
    chunk = store.CHUNK * profile["context"] * d_in * 4
    codes = profile["batch_sequences"] * profile["context"] * profile["d_sae"] * 4
    model, training = model_bytes(profile, sources), weights * TRAINED_BYTES + 6 * codes
    here = max(model + 2 * chunk, weights * 8 if on_gpu else training)
    return {
        "disk_mb": kept_bytes(profile, sources) // MIB,
        "artefacts_mb": TRAININGS_PER_SEED * profile["seeds"] * weights * 4 // MIB,
        "memory_mb": LIBRARIES_MB + here // MIB,
        "gpu_mb": max(model, training) // MIB if on_gpu else 0,
        "tokens": profile["train_sequences"] * profile["context"],
        "batch_tokens": profile["batch_sequences"] * profile["context"],
        "streamed": streams(profile, sources),
    }


def model_bytes(profile: Mapping[str, Any], sources: Sources) -> int:
    """Return the size of the whole model in memory, which is loaded before it is cut off."""
    on_disk = sum(path.stat().st_size for path in sources.model.glob("*.safetensors"))
    config = sources.model_config
    stored = 4 if "32" in str(config.get("dtype", config.get("torch_dtype", "float32"))) else 2
    return on_disk // stored * (4 if profile.get("dtype", "fp32") == "fp32" else 2)


def shortages(profile: dict[str, Any], sources: Sources, cache: Path, expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is too little of: text, disk, memory. Nothing is too little for parts that exist already."""
    try:
        documents = corpus.read_documents(sources.text)
    except (ValueError, FileNotFoundError) as error:
        yield f"text: {error}"
        return
    folder = store_folder(cache, describe(profile, sources, cache, corpus.corpus_digest(documents)))
    if not all((folder / part).is_dir() for part in corpus.PARTS):
        yield from short_text(profile, sources, documents)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            store.check_space(folder.parent, folder.name, kept_bytes(profile, sources), cap_bytes(profile))
        except store.NoSpaceError as error:
            yield f"disk: {error}"
    available = available_mb()
    if expected["memory_mb"] > available:
        sizes = f"about {expected['memory_mb']} MB are needed and {available} MB available"
        yield f"memory: {sizes}; end other programs, or choose a smaller profile"
    if expected["gpu_mb"]:
        import torch

        free = torch.cuda.mem_get_info()[0] // MIB
        if expected["gpu_mb"] > free:
            yield f"device: about {expected['gpu_mb']} MB of its memory are needed and {free} MB free; choose another"


def short_text(profile: Mapping[str, Any], sources: Sources, documents: dict[str, str]) -> Iterator[str]:
    """Yield which parts the text is too short for, or that it can't be tokenised."""
    from temporal_sae.activations import encode, load_tokenizer, start_token

    try:
        tokenizer = load_tokenizer(sources.model)
        start_token(tokenizer, sources.model)
    except (OSError, ValueError) as error:
        yield f"model: {str(error).splitlines()[0]}"
        return
    tokens: Callable[[str], list[int]] = lambda text: encode(tokenizer, text)  # noqa: E731
    for part, texts in corpus.split(documents).items():
        wanted = profile[f"{part}_sequences"]
        found = corpus.count_sequences(texts, tokens, profile["context"], wanted)
        if found < wanted:
            lack = f"{wanted} of {profile['context']} tokens wanted, but the text has only {found} for this part"
            yield f"{part}_sequences: {lack}; give more text than {sources.text}, or lower it"


def available_mb() -> int:
    """Return how much memory can be had without swapping."""
    for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB


if __name__ == "__main__":
    main()
