from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from temporal_sae.job import Job
from temporal_sae.sae import standard_encode
from temporal_sae.temporal import l1_norm, mean_squared_error
from temporal_sae.training import Recipe, State, Trainer


def loss(f, x, x_hat, settings, state):
    state.log("step", state.step)
    return mean_squared_error(x, x_hat) + settings["l1"] * l1_norm(f)


RECIPE = Recipe(standard_encode, loss, lambda d_in, d_sae: {}, 1e-2, 0.1, 0.2, 1.0)


def trained(job: Job, seed: int = 3, recipe: Recipe = RECIPE):
    return Trainer(job, recipe, trainings=2).train("l1=0.01", {"l1": 0.01}, seed)


def test_the_same_seed_gives_the_same_weights(job: Job) -> None:
    first, again, other = (trained(job, seed).sae.weights() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["W_enc"], other["W_enc"])


def test_training_lowers_the_loss_and_keeps_unit_directions(job: Job) -> None:
    result = trained(replace(job, profile={**job.profile, "steps": 60}))
    lines = [json.loads(line) for line in (job.out_dir / "progress.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < 0.8 * lines[0]["loss"]
    assert torch.allclose(result.sae.W_dec.norm(dim=-1), torch.ones(24), atol=1e-5)


def test_progress_counts_over_all_trainings(job: Job) -> None:
    trainer = Trainer(job, RECIPE, trainings=2)
    for seed in (3, 4):
        trainer.train("l1=0.01", {"l1": 0.01}, seed)
    lines = [json.loads(line) for line in (job.out_dir / "progress.jsonl").read_text().splitlines()]
    assert [(line["seed"], line["step"], line["done"]) for line in lines] == [
        (3, 10, 10),
        (3, 12, 12),
        (4, 10, 22),
        (4, 12, 24),
    ]
    assert all(line["total"] == 24 and line["steps"] == 12 and line["condition"] == "l1=0.01" for line in lines)


def test_what_ran_is_recorded(job: Job) -> None:
    result = trained(job)
    assert result.config["steps"] == 12
    assert result.config["l1"] == 0.01
    assert result.config["learning_rate"] == 1e-2
    assert result.measured["mean_step"] == pytest.approx(5.5)


def test_a_loss_that_is_not_finite_ends_the_training_and_shows_in_the_progress(job: Job) -> None:
    def breaks(f, x, x_hat, settings, state):
        return loss(f, x, x_hat, settings, state) * (float("nan") if state.step == 4 else 1.0)

    with pytest.raises(FloatingPointError, match="step 5"):
        trained(job, recipe=replace(RECIPE, loss=breaks))
    assert "NaN" in (job.out_dir / "progress.jsonl").read_text()


@pytest.mark.parametrize(("key", "value"), [("steps", 0), ("batch_sequences", 500)])
def test_a_training_of_nothing_is_an_error(job: Job, key: str, value: int) -> None:
    with pytest.raises(ValueError, match="nothing would be trained|fewer than one batch"):
        trained(replace(job, profile={**job.profile, key: value}))


def test_the_learning_rate_rises_stays_and_falls() -> None:
    rates = [RECIPE.rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[9] == rates[50] == 1e-2
    assert rates[99] == pytest.approx(1e-2 / 20)


def test_a_state_averages_what_is_logged() -> None:
    state = State()
    state.log("alpha", torch.tensor(0.25, requires_grad=True))
    state.log("alpha", 0.75)
    assert state.means() == {"mean_alpha": 0.5}
