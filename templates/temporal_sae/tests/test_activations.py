from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from model_families import FAMILIES, save_model
from temporal_sae.activations import ResidualStream, as_stored, compute, norms, scale_to_unit
from transformers import AutoModel

KNOWN = [family for family in FAMILIES if family != "gpt2"]


@pytest.mark.parametrize("family", KNOWN)
def test_activations_are_those_of_the_whole_model_less_the_first_position(family: str, tmp_path: Path) -> None:
    folder = save_model(tmp_path / family, family)
    stream = ResidualStream(folder, layer=1)
    x_NTD = compute(stream, [[5, 6, 7], [8, 9, 10]], lambda count: None)
    with torch.inference_mode():
        whole = AutoModel.from_pretrained(folder).eval()(torch.tensor([[1, 5, 6, 7]]), output_hidden_states=True)
    assert x_NTD.shape == (2, 3, 16)
    assert np.allclose(x_NTD[0], whole.hidden_states[2][0, 1:].numpy(), atol=1e-5)


@pytest.mark.parametrize("family", KNOWN)
def test_the_last_block_is_taken_before_the_final_norm(family: str, tmp_path: Path) -> None:
    folder = save_model(tmp_path / family, family)
    kept = []
    whole = AutoModel.from_pretrained(folder).eval()
    whole.layers[-1].register_forward_hook(
        lambda _block, _given, out: kept.append(out[0] if type(out) is tuple else out)
    )
    with torch.inference_mode():
        whole(torch.tensor([[1, 5, 6]]))
    x_NTD = compute(ResidualStream(folder, layer=2), [[5, 6]], lambda count: None)
    assert np.allclose(x_NTD[0], kept[0].reshape(3, 16)[1:].numpy(), atol=1e-5)


def test_another_way_of_building_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="GPT2Model has no `layers`"):
        ResidualStream(save_model(tmp_path / "gpt2", "gpt2"), layer=1)


def test_a_block_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="blocks 0 to 2"):
        ResidualStream(save_model(tmp_path / "llama"), layer=3)


def test_without_a_start_token_the_end_token_starts(tmp_path: Path) -> None:
    assert ResidualStream(save_model(tmp_path / "a", eos_token="w7"), layer=0).start_token == 7
    with pytest.raises(ValueError, match="neither a bos_token nor an eos_token"):
        ResidualStream(save_model(tmp_path / "b", pad_token="w7"), layer=0)


def test_bf16_computes_in_bf16_and_gives_float32(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "llama")
    exact, coarse = (compute(ResidualStream(folder, 1, dtype=t), [[5, 6]], lambda c: None) for t in ("fp32", "bf16"))
    assert coarse.dtype == np.float32
    assert 0 < np.abs(exact - coarse).max() < 0.05 * np.abs(exact).max()


def test_the_scale_makes_the_mean_norm_the_root_of_the_size() -> None:
    x = np.array([[[3.0, 4.0], [0.0, 1.0]]], dtype=np.float32)
    assert np.linalg.norm(scale_to_unit(norms(x), 2) * x, axis=-1).mean() == pytest.approx(np.sqrt(2))


def test_what_the_stored_type_cannot_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not fit into float16"):
        as_stored(np.array([[[1e5]]], dtype=np.float32), 1.0)
