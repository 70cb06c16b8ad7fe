from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import torch
from safetensors.torch import save
from temporal_sae.encoding import BESIDE, EncoderError, Host, RemoteEncoder, hosts_beside

WEIGHTS = save({"W_enc": torch.eye(3, 4)})
Start = Callable[..., "contextmanager[RemoteEncoder]"]


@pytest.fixture
def start(joined: Callable[[], socket.socket]) -> Start:
    """Start an encoder whose function has the given body, in a host of its own."""

    @contextmanager
    def run(body: str, timeout_s: float = 20.0) -> Iterator[RemoteEncoder]:
        with Host(joined(), timeout_s).encoder(source(body), WEIGHTS, (3, 4)) as encoder:
            yield encoder

    return run


HEAD = """
import os, stat, sys, time
import torch

def is_socket(n):
    try:
        return stat.S_ISSOCK(os.fstat(n).st_mode)
    except OSError:
        return False
"""


def source(body: str) -> bytes:
    return f"{HEAD}\ndef encode(x_BTD, weights):\n    {body}\n".encode()


def test_codes_come_back_rounded_to_bfloat16(start: Start) -> None:
    with start("return x_BTD @ weights['W_enc']") as encoder:
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
        ("os.kill(os.getppid(), 9); os._exit(0)", "died"),
        ("[os.write(n, b'noise' * 99) for n in map(int, os.listdir('/proc/self/fd')) if is_socket(n)]", "more than"),
        ("open('/tmp/out-of-an-encoder', 'wb', buffering=0).write(b'{}')", "File too large"),
    ],
)
def test_anything_but_codes_is_an_error(start: Start, body: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message), start(body) as encoder:
        encoder.encode(torch.ones(2, 3))


def test_an_encoder_that_hangs_is_ended(start: Start) -> None:
    began = time.monotonic()
    with pytest.raises(EncoderError, match="within 1.5 s"), start("time.sleep(60)", timeout_s=1.5) as encoder:
        encoder.encode(torch.ones(2, 3))
    assert time.monotonic() - began < 15


def test_a_flood_of_output_reaches_nobody(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    with start("print('noise' * 100000); return x_BTD @ weights['W_enc']") as encoder:
        assert encoder.encode(torch.ones(2, 3)).shape == (2, 4)
    assert "noise" not in capfd.readouterr().out


def test_no_state_survives_from_one_encoder_to_the_next(joined: Callable[[], socket.socket]) -> None:
    body = "torch.seen = getattr(torch, 'seen', 0) + 1; return torch.full((1, x_BTD.shape[1], 4), float(torch.seen))"
    host = Host(joined())
    for _ in range(2):
        with host.encoder(source(body), WEIGHTS, (3, 4)) as encoder:
            assert encoder.encode(torch.ones(1, 3))[0, 0].item() == 1.0
            assert encoder.encode(torch.ones(1, 3))[0, 0].item() == 2.0


def test_what_a_failed_encoder_still_says_is_not_taken_for_the_next_ones(joined: Callable[[], socket.socket]) -> None:
    host = Host(joined())
    infinite, sound = "return torch.full((1, x_BTD.shape[1], 4), float('inf'))", "return x_BTD @ weights['W_enc']"
    with (
        pytest.raises(EncoderError, match="not finite"),
        host.encoder(source(infinite), WEIGHTS, (3, 4)) as encoder,
        suppress(EncoderError),
    ):
        encoder.encode(torch.ones(1, 3))
    with (
        pytest.raises(EncoderError, match="an encoder before this one failed: .* not finite"),
        host.encoder(source(sound), WEIGHTS, (3, 4)),
    ):
        pytest.fail("it was started")


def test_a_grader_without_hosts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BESIDE, str(os.getpid()))
    with pytest.raises(EncoderError, match="names 1 sockets, not 2"):
        hosts_beside()
