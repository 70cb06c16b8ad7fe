from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from temporal_sae.data import Sequences


def test_an_epoch_shows_each_sequence_once_and_whole(parts: dict[str, Path]) -> None:
    data = Sequences(parts["train"])
    seen = torch.cat(list(data.batches(4, 5, seed=1)))
    expected = torch.from_numpy(np.load(parts["train"] / "x.npy").astype(np.float32))
    assert seen.shape == expected.shape
    assert sorted(seen.flatten(1).tolist()) == sorted(expected.flatten(1).tolist())


def test_order_follows_from_the_seed(parts: dict[str, Path]) -> None:
    data = Sequences(parts["train"])
    first, again, other = (torch.cat(list(data.batches(4, 7, seed=seed))) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("size", "steps", "message"), [(4, 0, "nothing"), (0, 3, "nothing"), (21, 3, "fewer")])
def test_nothing_to_train_on_is_an_error_at_once(parts: dict[str, Path], size: int, steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sequences(parts["train"]).batches(size, steps, seed=1)
