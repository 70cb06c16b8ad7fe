"""Where a profile's language model and text lie: in the cache under their names, or wherever the user keeps them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
MODEL_FILES = ("*.safetensors", "*.json", "tokenizer.model")
DIGEST = "weights.sha256"


@dataclass(frozen=True)
class Sources:
    """The model's folder (as transformers loads it) and the text: a folder of .txt files, or a .jsonl file."""

    model: Path
    text: Path

    @property
    def model_config(self) -> dict[str, Any]:
        """The model's own configuration."""
        return json.loads((self.model / "config.json").read_text("utf-8"))

    def model_sha256(self, cache: Path) -> str:
        """Return the hash of the model: as written down when it was fetched, or of a user's folder as it is now."""
        stated = self.model / DIGEST
        if self.model.is_relative_to(cache) and stated.is_file():
            return stated.read_text("utf-8").strip()
        return model_digest(self.model)


def find_sources(profile: Mapping[str, Any], cache: Path) -> Sources:
    """Return where the profile's model and text lie or will lie. Absolute paths are the user's own."""
    model = profile["model"]
    if is_hub_id(model):
        model = f"{model.replace('/', '--')}@{profile.get('revision', 'main')}"
    return Sources(cache / "models" / model, cache / "text" / profile["text"])


def is_hub_id(model: str) -> bool:
    """Return whether a model's name is `organisation/name`, as a hub has them."""
    return HUB_ID.fullmatch(model) is not None


def model_digest(folder: Path) -> str:
    """Return the SHA-256 of the names and contents of the files that make a model."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)}):
        with path.open("rb") as stream:
            digest.update(f"{path.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
