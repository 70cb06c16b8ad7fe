import pytest

from orchestrator.evidence.match import NotComparable
from orchestrator.evidence.samples import pair_of, require_fresh, run_called
from tests.evidence.studies import baseline, made, point, predict

STUDY = made({"baseline": baseline(), "arm": {"arm": point(50, 47.0)}})


def test_names_are_runs_planned_names_and_points():
    assert [run_called(STUDY, name) for name in ("arm", "run_1", "none")] == ["run_1", "run_1", None]
    pair = pair_of(STUDY, ("arm", "run_0@l1=3"), "ev", "test")
    assert (pair.arm.name, pair.reference.name) == ("run_1", "run_0@l1=3")
    assert pair.reference.only().matched.tolist() == [52.0] * 5
    assert len(pair.curve) == 6


def test_a_metric_declares_what_must_be_matched():
    assert pair_of(STUDY, ("arm", "baseline"), "ev", "test").match == "l0"
    assert pair_of(STUDY, ("arm", "baseline"), "mse", "test").match is None
    assert pair_of(STUDY, ("arm", "baseline"), "mse", "test", match="l0").match == "l0"
    assert pair_of(STUDY, ("arm", "baseline"), "l0", "test", match="l0").match is None
    with pytest.raises(NotComparable, match="ev is fairly compared at equal l0, not at equal mse"):
        pair_of(STUDY, ("arm", "baseline"), "ev", "test", match="mse")


@pytest.mark.parametrize(
    ("names", "metric", "split", "reason"),
    [
        (("other", "baseline"), "ev", "test", "no run called other succeeded"),
        (("arm", "baseline"), "guessed", "test", "declares no metric guessed"),
        (("arm", "baseline"), "ev", "dev", "no result in this metric"),
        (("arm", "baseline@l1=9"), "ev", "test", "baseline@l1=9 has no result"),
        (("arm", "run_1"), "ev", "test", "not two conditions on the same seeds"),
        (("run_0@l1=2", "run_0"), "ev", "test", "not two conditions on the same seeds"),
    ],
)
def test_what_is_missing_is_named(names: tuple[str, str], metric: str, split: str, reason: str):
    with pytest.raises(NotComparable, match=reason):
        pair_of(STUDY, names, metric, split)


def test_one_seed_or_a_missing_value_is_not_comparable():
    short = point(50, 47.0)
    short["ev"] = short["ev"][:4]
    with pytest.raises(NotComparable, match="no finite value for each of two or more seeds"):
        pair_of(made({"baseline": baseline(), "arm": {"arm": short}}), ("arm", "baseline"), "ev", "test")
    single = {name: [values[0]] for name, values in point(50, 47.0).items()}
    study = made({"baseline": {"one": single}, "arm": {"arm": single}}, seeds={"baseline": (1,), "arm": (1,)})
    with pytest.raises(NotComparable, match="two or more seeds"):
        pair_of(study, ("arm", "baseline"), "mse", "test")


def test_runs_on_other_seeds_are_neither_compared_nor_pooled():
    runs = {"baseline": baseline(), "arm": {"arm": point(50, 47.0)}, "late": {"arm": point(51, 47.0)}}
    study = made(runs, seeds={"late": (21, 22, 23, 24, 25)})
    with pytest.raises(NotComparable, match="same seeds"):
        pair_of(study, ("late", "baseline"), "ev", "test")
    assert len(pair_of(study, ("arm", "baseline"), "ev", "test").others) == 7


def test_a_later_hypothesis_needs_fresh_seeds():
    hypothesis = predict(4, "arm", frozen_after=2)
    with pytest.raises(NotComparable, match="H4 was frozen when results on the seeds of run_1 were known"):
        require_fresh(STUDY, hypothesis, pair_of(STUDY, ("arm", "baseline"), "ev", "test"))
    runs = {
        "baseline": baseline(),
        "arm": {"arm": point(50, 47.0)},
        "again": baseline(),
        "late": {"arm": point(51, 47.0)},
    }
    fresh = (21, 22, 23, 24, 25)
    study = made(runs, seeds={"again": fresh, "late": fresh})
    require_fresh(study, hypothesis, pair_of(study, ("late", "again"), "ev", "test"))
    with pytest.raises(NotComparable, match="seeds of run_3 were known"):
        require_fresh(study, predict(5, "late", frozen_after=3), pair_of(study, ("late", "again"), "ev", "test"))


def test_settings_that_must_be_equal():
    settings = {
        "run_0": {f"l1={n}": {"steps": 200, "l1": n} for n in range(6)},
        "run_1": {"arm": {"steps": 100, "l1": 2}},
    }
    pair = pair_of(made({"baseline": baseline(), "arm": {"arm": point(50, 47.0)}}, settings=settings),
                   ("arm", "baseline"), "ev", "test")  # fmt: skip
    pair.require_equal(())
    with pytest.raises(NotComparable, match="steps is not the same in run_1 and run_0: 100, 200"):
        pair.require_equal(("steps",))
