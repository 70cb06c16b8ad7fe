from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
from temporal_sae import architectures
from temporal_sae.job import Job
from temporal_sae.temporal import mean_squared_error
from temporal_sae.training import Recipe, State, Trainer

SETTINGS = {"l1": 0.01, "k": 4, "l0_weight": 0.01}


def recipe_of(architecture, **changes):
    def loss(f, x, x_hat, settings, state):
        state.log("step", state.step)
        state.log("l0", (f != 0).sum(dim=-1).float().mean())
        return mean_squared_error(x, x_hat) + architecture.penalty(f, x, x_hat, settings, state)

    functions = (architecture, architecture.encode, loss, lambda d_in, d_sae: {})
    return replace(Recipe(*functions, 1e-2, 0.1, 0.2, 1.0, dead_after=10_000, resample_every=0), **changes)


RECIPE = recipe_of(architectures.standard)
ALL = [getattr(architectures, name) for name in architectures.__all__]
BY_NAME = pytest.mark.parametrize("architecture", ALL, ids=architectures.__all__)


def trained(job: Job, seed: int = 3, recipe: Recipe = RECIPE):
    return Trainer(job, recipe, trainings=2).train("l1=0.01", SETTINGS, seed)


@BY_NAME
def test_the_same_seed_gives_the_same_weights(job: Job, architecture) -> None:
    first, again, other = (trained(job, seed, recipe_of(architecture)).sae.weights() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["W_enc"], other["W_enc"])


@BY_NAME
def test_training_lowers_the_loss_and_keeps_unit_directions(job: Job, architecture) -> None:
    result = trained(replace(job, profile={**job.profile, "steps": 60}), recipe=recipe_of(architecture))
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
    assert result.config["architecture"] == "standard"
    assert result.measured["mean_step"] == pytest.approx(5.5)


def test_a_loss_that_is_not_finite_ends_the_training_and_shows_in_the_progress(job: Job) -> None:
    def breaks(f, x, x_hat, settings, state):
        return RECIPE.loss(f, x, x_hat, settings, state) * (float("nan") if state.step == 4 else 1.0)

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


class Interruption(Exception):
    pass


@BY_NAME
def test_an_interrupted_training_goes_on_to_the_same_weights(job: Job, architecture) -> None:
    """Its loss keeps a state and draws random numbers, and features are resampled before and after the stop."""
    job = replace(job, profile={**job.profile, "steps": 30, "checkpoint_s": 0})
    plain = recipe_of(architecture, dead_after=32, resample_every=5)
    stop_at: list[int] = []

    def loss(f, x, x_hat, settings, state):
        if state.step in stop_at:
            raise Interruption
        state.memory["mean"] = 0.9 * state.memory.get("mean", 0.0) + 0.1 * torch.rand(()) * f.detach().mean()
        return plain.loss(f, x, x_hat, settings, state) * (1 + state.memory["mean"])

    recipe = replace(plain, loss=loss)
    whole = trained(replace(job, profile={**job.profile}), recipe=recipe)
    shutil.rmtree(job.out_dir / "checkpoints")
    stop_at.append(17)
    with pytest.raises(Interruption):
        trained(job, recipe=recipe)
    stop_at.clear()
    (job.out_dir / "progress.jsonl").unlink()
    resumed = trained(job, recipe=recipe)
    first = json.loads((job.out_dir / "progress.jsonl").read_text().splitlines()[0])
    assert (first["step"], first["done"]) == (20, 20)
    weights = whole.sae.weights()
    assert all(torch.equal(weights[name], value) for name, value in resumed.sae.weights().items())
    assert resumed.measured == whole.measured


def test_a_checkpoint_of_another_training_is_not_taken_up(job: Job) -> None:
    job = replace(job, profile={**job.profile, "checkpoint_s": 0})
    trained(job)
    (job.out_dir / "progress.jsonl").unlink()
    trained(replace(job, profile={**job.profile, "steps": 20}))
    assert json.loads((job.out_dir / "progress.jsonl").read_text().splitlines()[0])["step"] == 10


def test_a_short_training_leaves_no_checkpoint(job: Job) -> None:
    trained(job)
    assert not (job.out_dir / "checkpoints").exists()


def test_features_that_never_fire_start_anew_and_only_then(job: Job) -> None:
    job = replace(job, profile={**job.profile, "steps": 40})
    silent = slice(12, None)

    def encode(x_BTD, weights):
        f_BTF = architectures.standard.encode(x_BTD, weights)
        return f_BTF * (torch.arange(f_BTF.shape[-1]) < silent.start)

    rows = {}
    for every in (0, 10, 50):
        recipe = recipe_of(architectures.standard, encode=encode, dead_after=64, resample_every=every)
        rows[every] = trained(job, recipe=recipe).sae.W_dec[silent].detach()
    assert torch.equal(rows[0], rows[50])
    assert (rows[10] - rows[0]).norm(dim=-1).min() > 0.1
    assert torch.allclose(rows[10].norm(dim=-1), torch.ones(12), atol=1e-5)


def test_features_are_not_resampled_once_the_rate_falls() -> None:
    recipe = recipe_of(architectures.standard, resample_every=10)
    assert [step for step in range(100) if recipe.resamples(step, 100)] == [9, 19, 29, 39, 49, 59, 69]


@BY_NAME
def test_bf16_keeps_float32_weights_and_trains_nearly_the_same(job: Job, architecture) -> None:
    recipe = recipe_of(architecture)
    exact = trained(job, recipe=recipe)
    rounded = trained(replace(job, profile={**job.profile, "dtype": "bf16"}), recipe=recipe)
    assert {value.dtype for value in dict(rounded.sae.named_parameters()).values()} == {torch.float32}
    assert not torch.equal(rounded.sae.W_enc_FD, exact.sae.W_enc_FD)
    assert rounded.measured["final_loss"] == pytest.approx(exact.measured["final_loss"], rel=0.05)
