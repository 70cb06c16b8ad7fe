"""What a training leaves for the grader: `run_i/<condition>/seed_<s>/`."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from temporal_sae.checkpoints import discard
from temporal_sae.encoder_source import encoder_source
from temporal_sae.sae import Encode
from temporal_sae.storage import write_json
from temporal_sae.training import Trained

CONDITION = re.compile(r"[A-Za-z0-9_.=+-]{1,60}")


def artefact_folder(out_dir: Path, condition: str, seed: int) -> Path:
    """Return where a training's artefact goes; ValueError if the condition's name can't be a folder's."""
    if not CONDITION.fullmatch(condition) or condition.strip(".") == "":
        raise ValueError(f"condition {condition!r}: a name is 1 to 60 of A-Z a-z 0-9 _ . = + -")
    return out_dir / condition / f"seed_{seed}"


def save_artefact(folder: Path, trained: Trained, encode: Encode, x_BTD: Tensor) -> None:
    """Write weights, encoder, config and measurements.

    The encoder's module is loaded again, alone as the grader will load it, and must give on `x_BTD` what `encode`
    gives here: an encoder that leans on the rest of the experiment fails now, with a RuntimeError that says so. The
    training's checkpoint, if it left one, goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous() for name, tensor in trained.sae.weights().items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "encoder.py").write_text(encoder_source(encode), encoding="utf-8")
    write_json(folder / "config.json", trained.config)
    write_json(folder / "measured.json", trained.measured)
    _compare(load_encoder(folder / "encoder.py"), encode, x_BTD, weights)
    discard(folder)


def load_encoder(path: Path) -> Encode:
    """Import the module at `path`, without leaving bytecode beside it, and return its `encode`."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("encoder", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.encode


@torch.no_grad()
def _compare(saved: Encode, encode: Encode, x_BTD: Tensor, weights: Mapping[str, Tensor]) -> None:
    try:
        same = torch.allclose(saved(x_BTD, weights), encode(x_BTD, weights), rtol=1e-3, atol=1e-5)
    except NameError as error:
        raise RuntimeError(f"encode does not work outside experiment.py: {error}") from error
    if not same:
        raise RuntimeError("encode gives other codes outside experiment.py; it may only use x_BTD and weights")
