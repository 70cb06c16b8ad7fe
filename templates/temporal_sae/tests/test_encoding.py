from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from temporal_sae.encoding import EncoderError, RemoteEncoder

WEIGHTS = save({"W_enc": torch.eye(3, 4)})


def start(tmp_path: Path, body: str, timeout_s: float = 20.0) -> RemoteEncoder:
    path = tmp_path / "encoder.py"
    path.write_text(f"import os, sys, time\nimport torch\ndef encode(x_BTD, weights):\n    {body}\n")
    return RemoteEncoder(path, WEIGHTS, (3, 4), timeout_s)


def test_codes_come_back_rounded_to_bfloat16(tmp_path: Path) -> None:
    with start(tmp_path, "return x_BTD @ weights['W_enc']") as encoder:
        f_TF = encoder.encode(torch.tensor([[1.0, 2.0, 1.00001], [0.1, 0.0, -3.0]]))
    assert f_TF[0].tolist() == [1.0, 2.0, 1.0, 0.0]
    assert f_TF[1, 0].item() == torch.tensor(0.1).bfloat16().item()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return torch.zeros(1, x_BTD.shape[1], 7)", "7 codes a token, not 4"),
        ("return torch.zeros(1, x_BTD.shape[1], 5000000)", "more than codes"),
        ("return torch.full((1, x_BTD.shape[1], 4), float('inf'))", "not finite"),
        ("return torch.full((1, x_BTD.shape[1], 4), 3.4e38)", "not finite"),
        ("return 'garbage'", "AttributeError"),
        ("raise KeyError('W_nothing')", "W_nothing"),
        ("sys.exit(0)", "SystemExit"),
        ("os._exit(0)", "died"),
        ("open(__file__ + '.out', 'wb', buffering=0).write(b'{}')", "File too large"),
    ],
)
def test_anything_but_codes_is_an_error(tmp_path: Path, body: str, message: str) -> None:
    with start(tmp_path, body) as encoder, pytest.raises(EncoderError, match=message):
        encoder.encode(torch.ones(2, 3))


def test_an_encoder_that_hangs_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with start(tmp_path, "time.sleep(60)", timeout_s=1.5) as encoder, pytest.raises(EncoderError, match="within 1.5 s"):
        encoder.encode(torch.ones(2, 3))
    assert time.monotonic() - began < 15


def test_a_flood_of_output_reaches_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with start(tmp_path, "print('noise' * 100000); return x_BTD @ weights['W_enc']") as encoder:
        assert encoder.encode(torch.ones(2, 3)).shape == (2, 4)
    assert "noise" not in capfd.readouterr().out


def test_no_state_survives_from_one_encoder_to_the_next(tmp_path: Path) -> None:
    body = "torch.seen = getattr(torch, 'seen', 0) + 1; return torch.full((1, x_BTD.shape[1], 4), float(torch.seen))"
    for _ in range(2):
        with start(tmp_path, body) as encoder:
            assert encoder.encode(torch.ones(1, 3))[0, 0].item() == 1.0
