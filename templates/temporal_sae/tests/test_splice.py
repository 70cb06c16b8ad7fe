from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_model
import torch
from temporal_sae.data import Sequences
from temporal_sae.splice import Splice, SpliceError
from transformers import LlamaForCausalLM


@pytest.fixture(scope="module")
def splice(graded_part: Path) -> Splice:
    return Splice(graded_part, Sequences(graded_part))


@pytest.fixture
def part(graded_part: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(graded_part, tmp_path / "part"))


def test_the_models_own_activations_recover_all_and_zeros_nothing(splice: Splice, graded_part: Path) -> None:
    x_NTD = Sequences(graded_part).batch(slice(0, splice.rows))
    for score in splice.scores(x_NTD).values():
        assert score == pytest.approx(1.0, abs=0.01)  # x.npy is rounded to float16
    assert splice.scores(torch.zeros_like(x_NTD)) == {"ce_loss_recovered": 0.0, "kl_score": 0.0}


def test_scores_are_those_of_the_whole_model_with_one_block_replaced(splice: Splice, graded_part: Path) -> None:
    x_NTD = Sequences(graded_part).batch(slice(0, splice.rows))
    x_hat_NTD = x_NTD + 0.5 * torch.randn(x_NTD.shape, generator=torch.Generator().manual_seed(0))
    scale = json.loads((graded_part / "meta.json").read_text())["scale"]
    clean, spliced, zero = (log_p(graded_part, given) for given in (None, x_hat_NTD / scale, 0 * x_NTD))
    tokens_NT = torch.from_numpy(np.load(graded_part / "tokens.npy")[: splice.rows]).long()
    ce = [-p[:, :-1].gather(-1, tokens_NT[:, 1:, None]).mean().item() for p in (clean, spliced, zero)]
    kl = [(clean.exp() * (clean - p)).sum(-1).mean().item() for p in (spliced, zero)]
    scores = splice.scores(x_hat_NTD)
    assert scores["ce_loss_recovered"] == pytest.approx((ce[2] - ce[1]) / (ce[2] - ce[0]), abs=1e-4)
    assert scores["kl_score"] == pytest.approx((kl[1] - kl[0]) / kl[1], abs=1e-4)


@torch.no_grad()
def log_p(part: Path, stream_NTD: torch.Tensor | None) -> torch.Tensor:
    """Predict with every block, the output of one replaced by `stream_NTD` behind the start token."""
    about = json.loads((part / "meta.json").read_text())
    model = LlamaForCausalLM.from_pretrained(about["model_folder"])
    tokens_NT = torch.from_numpy(np.load(part / "tokens.npy")[:16]).long()

    def replace(_block: object, _given: object, out: torch.Tensor) -> torch.Tensor:
        return out if stream_NTD is None else torch.cat([out[:, :1], stream_NTD], dim=1)

    model.model.layers[tiny_model.LAYER].register_forward_hook(replace)
    ids_NS = torch.nn.functional.pad(tokens_NT, (1, 0), value=model.config.bos_token_id)
    return model(input_ids=ids_NS).logits[:, 1:].log_softmax(dim=-1)


def test_what_is_missing_from_a_part_is_named(part: Path) -> None:
    (part / "tokens.npy").unlink()
    with pytest.raises(SpliceError, match="no tokens.npy, which the grader needs"):
        Splice(part, Sequences(part))
    (part / "meta.json").write_text('{"scale": 1.0}')
    with pytest.raises(SpliceError, match="no model_folder, layer"):
        Splice(part, Sequences(part))


def test_tokens_of_another_text_are_refused(part: Path) -> None:
    np.save(part / "tokens.npy", np.load(part / "tokens.npy")[::-1])
    with pytest.raises(SpliceError, match="not what"):
        Splice(part, Sequences(part))
    np.save(part / "tokens.npy", np.zeros((3, 2), dtype=np.int32))
    with pytest.raises(SpliceError, match=r"shape \(3, 2\), expected \(20, 8\)"):
        Splice(part, Sequences(part))


def test_a_model_without_its_head_is_refused(part: Path, tmp_path: Path) -> None:
    about = json.loads((part / "meta.json").read_text())
    LlamaForCausalLM.from_pretrained(about["model_folder"]).model.save_pretrained(tmp_path / "headless")
    (part / "meta.json").write_text(json.dumps({**about, "model_folder": str(tmp_path / "headless")}))
    with pytest.raises(SpliceError, match="lacks lm_head.weight; save it with its head"):
        Splice(part, Sequences(part))
