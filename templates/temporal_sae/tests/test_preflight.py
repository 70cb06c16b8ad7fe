from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from model_families import own_profile, save_model
from temporal_sae.preflight import preflight
from temporal_sae.prepare import prepare


@pytest.fixture
def profile(tmp_path: Path) -> dict[str, Any]:
    """A profile in whose way nothing stands."""
    return own_profile(tmp_path)


def test_a_good_profile_has_no_problems_and_says_what_it_takes(profile: dict[str, Any], tmp_path: Path) -> None:
    checked = preflight(profile, tmp_path / "cache")
    assert checked["problems"] == []
    assert checked["fetch"] == []
    assert checked["expected"]["tokens"] == 300 * 6
    assert checked["expected"]["memory_mb"] > 500
    assert not checked["expected"]["streamed"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"layer": 3}, "layer: 3 does not exist; the model has blocks 0 to 2"),
        ({"layer": -1}, "layer: -1 is no whole number from 0"),
        ({"steps": 0}, "steps: 0 is no whole number from 1"),
        ({"batch_sequences": 301}, "train_sequences: 300 are fewer than one batch of 301"),
        ({"train_sequences": 10**6}, "train_sequences: 1000000 of 6 tokens wanted, but the text has only"),
        ({"context": 5000}, "context: 5000 tokens and a start token pass the model's 2048 positions"),
        ({"device": "tpu"}, "device: 'tpu' is none of cpu, cuda, auto"),
        ({"dtype": "fp8"}, "dtype: 'fp8' is none of fp32, bf16"),
        ({"devise": "cpu"}, "devise: no such key; did you mean device?"),
        ({"disk_cap_gb": 0}, "disk_cap_gb: 0 is no positive number"),
        ({"disk_cap_gb": 1e-9}, "disk: "),
        ({"model": "absent"}, "model: absent is no folder, no organisation/name on a hub"),
        ({"text": "absent"}, "text: absent is no .jsonl file"),
        ({"d_sae": 10**12}, "memory: about"),
    ],
)
def test_what_stands_in_the_way_is_said_with_the_field(
    keys: dict[str, Any], message: str, profile: dict[str, Any], tmp_path: Path
) -> None:
    (problem,) = preflight(profile | keys, tmp_path / "cache")["problems"]
    assert message in problem


def test_all_problems_are_said_at_once(profile: dict[str, Any], tmp_path: Path) -> None:
    del profile["layer"]
    problems = preflight({**profile, "steps": 0, "dtype": "fp8"}, tmp_path / "cache")["problems"]
    assert [problem.split(":")[0] for problem in problems] == ["layer", "steps", "dtype"]


def test_a_model_on_the_hub_is_to_be_fetched_and_no_problem(profile: dict[str, Any], tmp_path: Path) -> None:
    checked = preflight({**profile, "model": "org/name", "text": "django-5.2-docs"}, tmp_path / "cache")
    assert checked == {"problems": [], "fetch": ["model", "text"], "expected": {}}


def test_cuda_that_is_not_there_is_a_problem(profile: dict[str, Any], tmp_path: Path) -> None:
    problems = preflight({**profile, "device": "cuda"}, tmp_path / "cache")["problems"]
    assert bool(problems) != torch.cuda.is_available()
    assert all("no CUDA device here" in problem for problem in problems)


def test_weights_that_are_programs_are_refused(profile: dict[str, Any], tmp_path: Path) -> None:
    folder = save_model(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (problem,) = preflight({**profile, "model": str(folder)}, tmp_path / "cache")["problems"]
    assert "no .safetensors weights" in problem


def test_what_is_stored_already_needs_no_text_and_no_disk(profile: dict[str, Any], tmp_path: Path) -> None:
    prepare(profile, tmp_path / "cache", tmp_path / "out")
    assert preflight(profile, tmp_path / "cache")["problems"] == []
