from __future__ import annotations

import pytest
import torch
from temporal_sae.metrics import Totals


def totals_of(x, x_hat, f, mean) -> Totals:
    totals = Totals()
    totals.add(torch.tensor(x), torch.tensor(x_hat), torch.tensor(f), torch.tensor(mean))
    return totals


def test_values_worked_out_by_hand() -> None:
    # errors: 0, 1 | 1, 0 -> sum 2 over 4 values; deviations from (2, 2): 1, 4 | 1, 4 -> 10
    totals = totals_of(
        x=[[1.0, 0.0], [3.0, 4.0]],
        x_hat=[[1.0, 1.0], [2.0, 4.0]],
        f=[[1.0, 0.0, 2.0], [0.5, 0.5, 0.0]],
        mean=[2.0, 2.0],
    )
    assert totals.mse() == pytest.approx(2 / 4)
    assert totals.explained_variance() == pytest.approx(1 - 2 / 10)
    assert totals.l0() == pytest.approx(4 / 2)
    # one step: |-.5| + |.5| + |-2| = 3 over 1 step and 3 features; mean activation 4 over 2 tokens and 3 features
    assert totals.temporal_consistency() == pytest.approx((3 / 3) / (4 / 6))


def test_steps_between_sequences_do_not_count() -> None:
    totals = Totals()
    for level in (1.0, 5.0):
        constant = torch.full((4, 2), level)
        totals.add(torch.zeros(4, 1), torch.zeros(4, 1), constant, torch.zeros(1))
    assert totals.temporal_consistency() == 0.0


def test_codes_drawn_anew_give_about_two() -> None:
    generator = torch.Generator().manual_seed(0)
    f = (torch.rand(4000, 50, generator=generator) < 0.02).float()
    consistency = totals_of([[0.0]] * 4000, [[0.0]] * 4000, f.tolist(), [0.0]).temporal_consistency()
    assert consistency == pytest.approx(2 * 0.98, abs=0.03)


def test_undefined_is_none_and_not_nan() -> None:
    totals = totals_of([[1.0], [1.0]], [[0.0], [0.0]], [[0.0], [0.0]], [1.0])
    assert totals.all() == {"explained_variance": None, "mse": 1.0, "l0": 0.0, "temporal_consistency": None}
