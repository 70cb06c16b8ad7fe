from __future__ import annotations

import pytest
import torch
from temporal_sae.metrics import Totals

PUBLISHED = [0.24579005362969564, 10.05419921875, 3.9375, 0.5145098039215686]


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


def test_published_values_stay_what_they_are_to_the_last_bit() -> None:
    """Eighths are exact in any order of summation, so that these hold on every machine."""
    values = (torch.arange(3 * 16 * 8).reshape(3, 16, 8) * 37 % 101 - 50) / 8
    totals = Totals()
    for x_TD in values:
        totals.add(x_TD, x_TD.roll(1, dims=0), x_TD.clamp_min(0), torch.full((8,), 0.125))
    published = ("explained_variance", "mse", "l0", "temporal_consistency")
    assert [totals.all()[name] for name in published] == PUBLISHED


def test_geometry_worked_out_by_hand() -> None:
    totals = totals_of(
        x=[[3.0, 4.0], [0.0, 2.0]],
        x_hat=[[3.0, 0.0], [0.0, 1.0]],
        f=[[1.0, 0.0, 2.0], [0.5, 0.0, 0.0]],
        mean=[0.0, 0.0],
    )
    assert totals.cosine_similarity() == pytest.approx((3 / 5 + 1) / 2)
    assert totals.l2_ratio() == pytest.approx((3 / 5 + 1 / 2) / 2)
    assert totals.relative_reconstruction_bias() == pytest.approx((9 + 1) / (9 + 2))
    assert totals.l1() == pytest.approx((3 + 0.5) / 2)
    assert totals.fraction_alive() == pytest.approx(2 / 3)


def test_the_bias_is_the_inverse_of_the_best_single_factor() -> None:
    generator = torch.Generator().manual_seed(0)
    x, x_hat = torch.randn(50, 4, generator=generator), torch.randn(50, 4, generator=generator) + 1
    gamma = totals_of(x.tolist(), x_hat.tolist(), [[1.0]] * 50, [0.0] * 4).relative_reconstruction_bias()
    (factor,) = torch.linalg.lstsq(x_hat.reshape(-1, 1), x.reshape(-1, 1)).solution.flatten().tolist()
    assert gamma == pytest.approx(1 / factor, rel=1e-4)


def test_a_feature_is_alive_if_it_ever_was() -> None:
    totals = Totals()
    for f in ([[1.0, 0.0, 0.0]], [[0.0, 0.0, -1.0]], [[1.0, 0.0, 0.0]]):
        totals.add(torch.zeros(1, 1), torch.zeros(1, 1), torch.tensor(f), torch.zeros(1))
    assert totals.fraction_alive() == pytest.approx(2 / 3)


def test_undefined_is_none_and_not_nan() -> None:
    values = totals_of([[1.0], [1.0]], [[0.0], [0.0]], [[0.0], [0.0]], [1.0]).all()
    assert {name for name, value in values.items() if value is None} == {
        "explained_variance",
        "temporal_consistency",
        "relative_reconstruction_bias",
    }
    assert values["mse"] == 1.0
    assert values["cosine_similarity"] == values["l2_ratio"] == values["fraction_alive"] == 0.0
