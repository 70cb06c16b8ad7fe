from __future__ import annotations

import numpy as np
import pytest
import torch
from temporal_sae.dynamics import Pairs


def pairs_of(*sequences: torch.Tensor, lag: int = 1) -> Pairs:
    pairs = Pairs(sequences[0].shape[1], lag)
    for f_TF in sequences:
        pairs.add(f_TF)
    return pairs


@pytest.mark.parametrize("lag", [1, 4])
def test_autocorrelation_is_pearsons_of_the_pairs_within_sequences(lag: int) -> None:
    generator = torch.Generator().manual_seed(0)
    sequences = [torch.rand(30, 3, generator=generator).cumsum(dim=0) for _ in range(4)]
    expected = [
        np.corrcoef(
            np.concatenate([f[:-lag, feature].numpy() for f in sequences]),
            np.concatenate([f[lag:, feature].numpy() for f in sequences]),
        )[0, 1]
        for feature in range(3)
    ]
    assert pairs_of(*sequences, lag=lag).autocorrelation() == pytest.approx(np.mean(expected), abs=1e-6)


def test_features_that_never_vary_are_left_out() -> None:
    f_TF = torch.tensor([[0.1, 1.0, 0.0], [0.1, 3.0, 0.0], [0.1, 2.0, 0.0], [0.1, 5.0, 0.0]])
    expected = np.corrcoef([1, 3, 2], [3, 2, 5])[0, 1]
    assert pairs_of(f_TF).autocorrelation() == pytest.approx(expected, abs=1e-9)
    assert pairs_of(torch.full((5, 2), 0.1)).autocorrelation() is None


def test_transition_entropy_worked_out_by_hand() -> None:
    # on, on, off, on, off: from on 1 of 3 stays on, from off 1 of 1 turns on
    steps = torch.tensor([[2.0], [0.5], [0.0], [1.0], [0.0]])
    from_on = -(1 / 3 * np.log2(1 / 3) + 2 / 3 * np.log2(2 / 3))
    assert pairs_of(steps).transition_entropy() == pytest.approx(3 / 4 * from_on)
    # a second feature that is always on adds no surprise, a third that is never on does not count
    wide = torch.cat([steps, torch.ones(5, 1), torch.zeros(5, 1)], dim=1)
    assert pairs_of(wide).transition_entropy() == pytest.approx(3 / 8 * from_on)


def test_the_entropy_rate_of_a_markov_chain_is_found() -> None:
    generator, stay = np.random.default_rng(0), {0: 0.9, 1: 0.6}
    state, states = 0, []
    for coin in generator.random(20000):
        state = state if coin < stay[state] else 1 - state
        states.append(float(state))
    entropy = {s: -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) for s, p in stay.items()}
    expected = 0.8 * entropy[0] + 0.2 * entropy[1]  # the stationary shares are 0.4 / 0.5 and 0.1 / 0.5
    assert pairs_of(torch.tensor(states)[:, None]).transition_entropy() == pytest.approx(expected, abs=0.01)


def test_without_pairs_or_activity_both_are_undefined() -> None:
    for pairs in (pairs_of(torch.ones(3, 2), lag=4), pairs_of(torch.zeros(9, 2))):
        assert pairs.autocorrelation() is None
        assert pairs.transition_entropy() is None
