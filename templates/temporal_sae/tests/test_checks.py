from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from temporal_sae.checks import UngradableError, check_start, decoder, draw_probes, largest_file


def start_of(seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(128, 64, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_weights_that_never_moved_are_found() -> None:
    with pytest.raises(UngradableError, match="nothing was trained"):
        check_start(start_of(3), 3)
    with pytest.raises(UngradableError, match="nothing was trained"):
        check_start(start_of(3) + 0.001 * torch.randn(128, 64), 3)


def test_a_training_of_another_seed_is_found() -> None:
    trained = start_of(3) + 0.3 * torch.randn(128, 64)
    check_start(trained, 3)
    for other in range(4, 24):
        with pytest.raises(UngradableError, match=f"not trained from the start that seed {other} gives"):
            check_start(trained, other)


def test_the_package_trains_from_the_start_that_the_grader_knows(finished_run: Path) -> None:
    seeds = json.loads((finished_run / "job.json").read_text())["seeds"]
    for condition in finished_run.glob("l1=*"):
        for seed in seeds:
            check_start(load_file(condition / f"seed_{seed}" / "weights.safetensors")["W_dec"], seed)


@pytest.mark.parametrize(("sequences", "context"), [(320, 64), (16, 64), (20, 8), (3, 2)])
def test_no_tail_of_a_changed_sequence_is_shown_again(sequences: int, context: int) -> None:
    probes = draw_probes(sequences, context)
    changed = {probe.row for probe in probes if probe.at is not None}
    shown = {probe.other for probe in probes}
    assert changed
    assert shown
    assert not changed & shown
    assert all(0 < probe.at < context for probe in probes if probe.at is not None)


def test_weights_have_room_for_little_more_than_an_autoencoder() -> None:
    shapes = {"W_enc": (576, 1152), "b_enc": (1152,), "W_dec": (1152, 576), "b_dec": (576,)}
    needed = len(save({name: torch.zeros(shape) for name, shape in shapes.items()}))
    assert needed < largest_file(576, 1152) < 2.1 * needed


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"W_dec": torch.ones(4, 3)}, "no b_dec"),
        ({"W_dec": torch.ones(3, 4), "b_dec": torch.ones(3)}, "no W_dec of shape"),
        ({"W_dec": torch.ones(4, 3).long(), "b_dec": torch.ones(3)}, "no W_dec of shape"),
        ({"W_dec": torch.full((4, 3), float("nan")), "b_dec": torch.ones(3)}, "not finite"),
    ],
)
def test_weights_without_a_decoder_are_refused(tensors: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(UngradableError, match=message):
        decoder(save(tensors), 4, 3)


def test_garbage_for_weights_is_refused() -> None:
    with pytest.raises(UngradableError, match="does not load"):
        decoder(b"garbage", 4, 3)
