from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from temporal_sae.held_out import HeldOut, IncompletePartError
from tiny_bench import D_IN, SEQUENCES, save_model, save_part


@pytest.fixture
def part(tmp_path: Path) -> Path:
    save_model(tmp_path / "model")
    save_part(tmp_path / "dev", tmp_path / "model")
    return tmp_path / "dev"


def test_a_part_knows_what_made_it(part: Path) -> None:
    held_out = HeldOut(part)
    assert (held_out.hook_name, held_out.model) == ("blocks.1.hook_resid_post", part.parent / "model")
    assert held_out.tokens_NT.shape == (SEQUENCES, 7)
    assert held_out.unscaled(slice(0, 2)).shape == (2, 7, D_IN)
    assert np.allclose(held_out.unscaled(slice(0, 2)).numpy() * held_out.scale, np.load(part / "x.npy")[:2])


@pytest.mark.parametrize("name", ["x.npy", "tokens.npy", "meta.json"])
def test_a_missing_file_is_named(part: Path, name: str) -> None:
    (part / name).unlink()
    with pytest.raises(IncompletePartError, match=f"{name}: no such file; prepare"):
        HeldOut(part)


@pytest.mark.parametrize("key", ["model", "model_folder", "layer", "scale"])
def test_a_missing_key_is_named(part: Path, key: str) -> None:
    meta = json.loads((part / "meta.json").read_text())
    del meta[key]
    (part / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(IncompletePartError, match=rf"meta.json: no '{key}'; prepare"):
        HeldOut(part)


def test_tokens_of_other_sequences_are_refused(part: Path) -> None:
    np.save(part / "tokens.npy", np.zeros((SEQUENCES, 8), dtype=np.int32))
    with pytest.raises(IncompletePartError, match=r"tokens.npy: shape \(6, 8\) beside activations \(6, 7, 16\)"):
        HeldOut(part)


def test_a_model_that_is_gone_is_named(part: Path) -> None:
    (part.parent / "model").rename(part.parent / "elsewhere")
    with pytest.raises(IncompletePartError, match="model: no such folder"):
        HeldOut(part)
