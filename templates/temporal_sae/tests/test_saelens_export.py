"""Weights in SAELens's format: each architecture, folded into unscaled activations, loaded again by sae-lens."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import python
from temporal_sae.artefacts import load_encoder
from temporal_sae.encoding import Host
from temporal_sae.held_out import HeldOut
from temporal_sae.saelens_export import NotExportableError, export
from tiny_bench import (
    BATCH_TOPK,
    D_IN,
    D_SAE,
    JUMP_RELU,
    REMEMBERING,
    STANDARD,
    TOPK,
    random_weights,
    save_model,
    save_part,
    save_run,
)

Joined = Callable[[], socket.socket]

THRESHOLD = 0.004
KINDS = {
    "standard": ({}, STANDARD, "standard"),
    "topk": ({"k": torch.tensor(5)}, TOPK, "topk"),
    "batch_topk": ({"k": torch.tensor(5), "threshold": torch.tensor(THRESHOLD)}, BATCH_TOPK, "jumprelu"),
    "jump_relu": (
        {"log_threshold": torch.linspace(0.5, 2, D_SAE).mul(THRESHOLD).log(), "bandwidth": torch.tensor(0.5)},
        JUMP_RELU,
        "jumprelu",
    ),
}


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> HeldOut:
    root = tmp_path_factory.mktemp("part")
    save_model(root / "model")
    save_part(root / "dev", root / "model")
    return HeldOut(root / "dev")


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_sae_loads_in_sae_lens_and_reconstructs_the_same(
    kind: str, part: HeldOut, joined: Joined, tmp_path: Path
) -> None:
    from sae_lens import SAE

    extra, source, architecture = KINDS[kind]
    weights = random_weights() | extra
    run = save_run(tmp_path / "run_0", {"a/seed_3": (weights, source)})
    export(run, "a/seed_3", part, Host(joined())).save_model(tmp_path / "saelens")
    loaded = SAE.load_from_disk(tmp_path / "saelens")

    x_BTD = part.sequences.batch(slice(None))
    own_BTF = load_encoder(run / "a/seed_3/encoder.py")(x_BTD, weights)
    own_hat_BTD = own_BTF @ weights["W_dec"] + weights["b_dec"]
    active = (own_BTF != 0).float().mean()
    assert 0 < active < 0.9
    with torch.no_grad():
        f_BTF = loaded.encode(part.unscaled(slice(None)))
        x_hat_BTD = loaded.decode(f_BTF)
    # float32 sums of 16 products in another order and unit
    assert torch.allclose(f_BTF * part.scale, own_BTF, rtol=1e-4, atol=1e-6)
    assert torch.allclose(x_hat_BTD * part.scale, own_hat_BTD, rtol=1e-4, atol=1e-6)
    assert torch.allclose(loaded.W_dec.norm(dim=-1), torch.ones(D_SAE))
    assert loaded.cfg.architecture() == architecture
    metadata = loaded.cfg.metadata
    assert (metadata.hook_name, metadata.model_name) == ("blocks.1.hook_resid_post", "tiny-llama-it")
    assert (metadata.prepend_bos, metadata.context_size) == (True, 8)
    assert str(part.model) not in (tmp_path / "saelens/cfg.json").read_text()


@pytest.mark.parametrize(
    ("extra", "source", "message"),
    [
        ({}, REMEMBERING, "looks at earlier tokens"),
        ({}, STANDARD.replace("relu(z)", "relu(z - 0.003)"), "an encoder that was changed"),
        ({"k": torch.tensor(5)}, STANDARD, "other codes than SAELens's"),
        ({"k": torch.tensor(0)}, TOPK, "k is 0, not one number from 1"),
        ({"threshold": torch.zeros(7)}, BATCH_TOPK, "neither one nor one a feature"),
        ({"W_enc": torch.zeros(D_IN, 3)}, STANDARD, r"no W_enc of shape \(16, 40\)"),
    ],
)
def test_what_sae_lens_can_not_express_is_refused_with_the_reason(
    extra, source, message, part: HeldOut, joined: Joined, tmp_path: Path
) -> None:
    run = save_run(tmp_path / "run_0", {"a/seed_3": (random_weights() | extra, source)})
    host = Host(joined())
    with pytest.raises(NotExportableError, match=message):
        export(run, "a/seed_3", part, host)
    save_run(run, {"b/seed_3": (random_weights(), STANDARD)})
    assert export(run, "b/seed_3", part, host).cfg.d_sae == D_SAE  # the host is as good as before


def test_from_the_command_line_the_others_are_still_exported(part: HeldOut, joined: Joined, tmp_path: Path) -> None:
    artefacts = {"a/seed_3": (random_weights(), STANDARD), "b/seed_3": (random_weights(), REMEMBERING)}
    run = save_run(tmp_path / "run_0", artefacts)
    folder = part.model.parent / "dev"
    flags = ("--run", str(run), "--part", str(folder), "--out", str(tmp_path / "out"))
    done = python(
        "-m", "temporal_sae.saelens_export", *flags, cwd=tmp_path, sockets=(joined().fileno(), joined().fileno())
    )
    assert done.returncode == 1, done.stderr
    assert "b/seed_3: not exported: its encoder gives other codes" in done.stderr
    assert json.loads((tmp_path / "out/a/seed_3/cfg.json").read_text())["d_sae"] == D_SAE
    assert (tmp_path / "out/a/seed_3/sae_weights.safetensors").is_file()
    assert not (tmp_path / "out/b").exists()
