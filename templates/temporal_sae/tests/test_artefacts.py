from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from temporal_sae.artefacts import artefact_folder, load_encoder, save_artefact
from temporal_sae.checkpoints import checkpoint_path
from temporal_sae.sae import SparseAutoencoder
from temporal_sae.training import Trained

TRAINED = Trained(SparseAutoencoder(3, 4), {"l1": 0.1, "steps": 5}, {"mean_alpha": 0.5})
HIDDEN = {"scale": 1.0}


def encode(x_BTD, weights):
    return torch.relu(x_BTD @ weights["W_enc"] * HIDDEN["scale"])


def test_an_artefact_comes_back_as_it_was(tmp_path: Path) -> None:
    x_BTD = torch.randn(2, 5, 3)
    save_artefact(tmp_path, TRAINED, encode, x_BTD)
    weights = load_file(tmp_path / "weights.safetensors")
    assert torch.equal(weights["W_dec"], TRAINED.sae.W_dec)
    assert torch.equal(load_encoder(tmp_path / "encoder.py")(x_BTD, weights), encode(x_BTD, weights))
    assert json.loads((tmp_path / "config.json").read_text()) == {"l1": 0.1, "steps": 5}
    assert json.loads((tmp_path / "measured.json").read_text()) == {"mean_alpha": 0.5}
    assert not (tmp_path / "__pycache__").exists()


def test_an_encoder_that_depends_on_the_training_fails_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HIDDEN, "scale", 3.0)
    with pytest.raises(RuntimeError, match="other codes outside"):
        save_artefact(tmp_path, TRAINED, encode, torch.randn(2, 5, 3))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "x" * 61])
def test_a_condition_is_a_folder_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a name is 1 to 60"):
        artefact_folder(tmp_path, name, 1)


def test_a_saved_artefact_takes_the_place_of_its_checkpoint(tmp_path: Path) -> None:
    folder = artefact_folder(tmp_path, "l1=0.1", 3)
    path = checkpoint_path(folder)
    path.parent.mkdir()
    path.touch()
    other = path.with_name("l1=0.2.seed_3.pt")
    other.touch()
    save_artefact(folder, TRAINED, encode, torch.randn(2, 5, 3))
    assert [left.name for left in path.parent.iterdir()] == [other.name]
    other.rename(path)
    save_artefact(folder, TRAINED, encode, torch.randn(2, 5, 3))
    assert not path.parent.exists()
