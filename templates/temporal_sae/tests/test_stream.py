from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TEMPLATE
from model_families import own_profile
from temporal_sae.data import Sequences
from temporal_sae.inflow import AHEAD, REQUEST, Request
from temporal_sae.prepare import prepare

CAP = 55_000 / 2**30


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same train part, once stored and once to be streamed."""
    root = tmp_path_factory.mktemp("store")
    profile = own_profile(root)
    made = {}
    for how, cap in (("streamed", CAP), ("stored", 1)):
        (root / how).mkdir()
        prepare({**profile, "disk_cap_gb": cap}, root / "cache", root / how)
        made[how] = Path(json.loads((root / how / "parts.json").read_text())["parts"]["train"])
    return made


@pytest.fixture(scope="module")
def streamed(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A run's directory, and the part's folder as a producer beside the run keeps it."""
    root = tmp_path_factory.mktemp("idea")
    run, out = root / "run_1", root / "stream"
    run.mkdir()
    out.mkdir()
    flags = ("--part", str(folders["streamed"]), "--run", str(run), "--out", str(out))
    env = {"PYTHONPATH": str(TEMPLATE), "PATH": "/usr/bin:/bin", "HOME": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "temporal_sae.stream", *flags]
    producer = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert producer.stdout.readline() == "ready\n"
    yield run, out
    assert producer.poll() is None
    producer.kill()
    producer.wait()


def trained(data: Sequences, seed: int) -> torch.Tensor:
    """Train a linear map for a few steps and return it."""
    torch.manual_seed(seed)
    W_DD = torch.randn(data.d_in, data.d_in, requires_grad=True)
    optimiser = torch.optim.Adam([W_DD], lr=1e-2)
    for x_BTD in data.batches(4, 90, seed):
        optimiser.zero_grad()
        (x_BTD @ W_DD - x_BTD).square().mean().backward()
        optimiser.step()
    return W_DD.detach()


def test_streamed_and_stored_training_give_the_same_weights(
    folders: dict[str, Path], streamed: tuple[Path, Path]
) -> None:
    stored, inflow = Sequences(folders["stored"]), Sequences(streamed[1])
    assert len(inflow) == len(stored) == 300
    assert torch.equal(inflow.mean(), stored.mean())
    for seed in (3, 4):
        assert torch.equal(trained(inflow, seed), trained(stored, seed))


def test_only_a_few_chunks_lie_ahead_and_used_ones_go(streamed: tuple[Path, Path]) -> None:
    _, out = streamed
    batches = Sequences(out).batches(32, 30, seed=5)
    seen = []
    for _, x_BTD in zip(range(12), batches, strict=False):
        assert x_BTD.shape == (32, 6, 16)
        seen.append(len(list(out.glob("*-*.npy"))))
    assert max(seen) <= AHEAD + 1


def test_a_later_training_is_served_after_one_that_was_broken_off(
    folders: dict[str, Path], streamed: tuple[Path, Path]
) -> None:
    broken = Sequences(streamed[1]).batches(4, 90, seed=1)
    next(broken)
    whole, stored = (torch.cat(list(Sequences(f).batches(7, 20, seed=2))) for f in (streamed[1], folders["stored"]))
    assert torch.equal(whole, stored)


@pytest.mark.parametrize(
    "left",
    [
        b"{",
        b"[" * 5000,
        json.dumps({"id": "../../x", "seed": 1, "size": 4, "steps": 1, "taken": 0}).encode(),
        json.dumps({"id": "0" * 32, "seed": 1, "size": 10**9, "steps": 1, "taken": 0}).encode(),
        json.dumps({"id": "0" * 32, "seed": -1, "size": 4, "steps": 1, "taken": 0}).encode(),
        json.dumps({"id": "0" * 32, "seed": 1, "size": 4, "steps": 1, "taken": True}).encode(),
        json.dumps({"id": "0" * 32, "seed": 1, "size": 4, "steps": 10**12, "taken": 10**12}).encode(),
        b"link",
    ],
)
def test_whatever_a_run_leaves_there_the_producer_lives_on(left: bytes, streamed: tuple[Path, Path]) -> None:
    run, out = streamed
    (run / REQUEST).unlink(missing_ok=True)
    if left == b"link":
        (run / REQUEST).symlink_to("/etc/passwd")
    else:
        (run / REQUEST).write_bytes(left)
    assert next(Sequences(out).batches(4, 3, seed=1)).shape == (4, 6, 16)


def test_a_valid_request_is_read_and_others_are_none(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"id": "0" * 32, "seed": 1, "size": 4, "steps": 9, "taken": 0}
    assert Request.read(tmp_path) is None
    (tmp_path / REQUEST).write_text(json.dumps(wanted))
    request = Request.read(tmp_path)
    assert (request.batches_per_chunk, request.chunks) == (8, 2)
    (tmp_path / REQUEST).write_text(json.dumps({**wanted, "size": 0}))
    assert Request.read(tmp_path) is None


def test_rows_that_are_not_on_the_disk_are_an_error_and_not_others(streamed: tuple[Path, Path]) -> None:
    data = Sequences(streamed[1])
    assert data.batch(slice(0, 4)).shape == (4, 6, 16)
    with pytest.raises(IndexError, match="first 256"):
        data.batch(slice(None))
    with pytest.raises(IndexError, match="first 256"):
        data.batch(np.array([299]))
    with pytest.raises(ValueError, match="batches of 2000 sequences can't be streamed"):
        next(data.inflow.batches(2000, 1, 1))
