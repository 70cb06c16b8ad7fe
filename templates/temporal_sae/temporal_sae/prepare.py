"""Makes the data that runs and grader read. Trusted; needs no network.

    python -m temporal_sae.prepare --profile FILE.json --cache DIR --out DIR

The parts lie in the store (store.py says in which form) and are computed only where they are missing (production.py).
Where all of them together pass the profile's `disk_cap_gb`, train is not stored but streamed to the runs (stream.py):
its x.npy then has the first chunk alone, and a file `streamed.json` beside it says so. `OUT/parts.json` says where the
parts are; `OUT/progress.jsonl` says how far it is.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from temporal_sae import corpus, store
from temporal_sae.production import Report, Work, complete, describe, produce, store_folder
from temporal_sae.sources import find_sources
from temporal_sae.storage import locked, write_json


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
    """Compute what is missing and write `out/parts.json`.

    Raises FileNotFoundError without model or text, ValueError where they can't give what the profile asks for,
    NoSpaceError and DamagedError.
    """
    sources = find_sources(profile, cache)
    if not sources.model.is_dir():
        raise FileNotFoundError(f"{sources.model}: no such model; fetch it first")
    documents = corpus.read_documents(sources.text)
    about = describe(profile, sources, cache, corpus.corpus_digest(documents))
    folder = store_folder(cache, about)
    out.mkdir(parents=True, exist_ok=True)
    work = Work(profile, about, sources, documents, Report(out, folder))
    with locked(folder, work.report.wait):
        produce(work)
        for part in corpus.PARTS:
            complete(work, part)
            store.verify(folder / part)
    write_json(out / "parts.json", {"key": folder.name, "parts": {part: str(folder / part) for part in corpus.PARTS}})


if __name__ == "__main__":
    main()
