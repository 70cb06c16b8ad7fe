import pytest

from orchestrator.evidence.compare import difference
from orchestrator.evidence.verdicts import judge
from orchestrator.records import Hypothesis, Verdict
from tests.evidence.studies import baseline, made, point, predict

FRESH = (21, 22, 23, 24, 25)
RUNS = {
    "baseline": baseline(),
    "good": {"arm": point(50, 47.0, effect=0.015)},
    "bad": {"arm": point(51, 60.0, effect=-0.015)},
    "same": {"arm": point(52, 40.0)},
    "vague": {"arm": point(53, 40.0, scale=0.05)},
    "far": {"arm": point(54, 95.0)},
    "border": {"arm": point(57, 47.0, effect=0.0195)},
}


def judged(*hypotheses: Hypothesis) -> tuple[Verdict, ...]:
    return judge(made(RUNS, hypotheses))


def test_outcomes_of_predicted_directions():
    found = judged(
        predict(1, "good"),
        predict(2, "bad"),
        predict(3, "bad", direction="lower"),
        predict(4, "same"),
        predict(5, "vague"),
    )
    assert [(one.outcome, one.verdict) for one in found] == [
        ("confirmed", "better"),
        ("contradicted", "worse"),
        ("confirmed", "worse"),
        ("not supported", "equivalent"),
        ("not supported", "inconclusive"),
    ]
    assert [one.hypothesis for one in found] == ["H1", "H2", "H3", "H4", "H5"]
    for one in found:
        low, high = one.interval
        assert (one.p < 0.05) == (not low <= 0 <= high)
        assert one.detectable > 0


def test_better_and_worse_follow_the_declared_direction_alone():
    runs = {"baseline": {"one": point(1, 40.0)}, "arm": {"arm": {**point(50, 40.0), "mse": point(50, 40)["mse"]}}}
    runs["arm"]["arm"]["mse"] = [value - 0.05 for value in runs["arm"]["arm"]["mse"]]
    runs["arm"]["arm"]["l0"] = [60.0, 61, 62, 63, 64]
    lower = predict(1, "arm", metric="mse", direction="lower")
    undirected = predict(2, "arm", metric="l0", direction="higher")
    found = judge(made(runs, (lower, undirected)))
    assert (found[0].verdict, found[0].outcome) == ("better", "confirmed")
    assert found[0].difference == pytest.approx(-0.05)
    assert (found[1].verdict, found[1].outcome) == (None, "confirmed")
    alone = judge(made(runs, (predict(1, "arm", metric="mse", direction="higher"),)))
    assert (alone[0].verdict, alone[0].outcome) == ("better", "contradicted")


def test_equivalence_needs_evidence():
    found = judged(
        predict(1, "same", direction="equivalent"),
        predict(2, "vague", direction="equivalent"),
        predict(3, "border", direction="equivalent"),
    )
    assert [(one.outcome, one.verdict) for one in found] == [
        ("confirmed", "equivalent"),
        ("not supported", "inconclusive"),
        ("not supported", "better"),
    ]
    low, high = found[0].interval
    assert -0.02 <= low < high <= 0.02
    runs = {**RUNS, "good": {"arm": point(50, 47.0, effect=0.05)}}
    (one,) = judge(made(runs, (predict(1, "good", direction="equivalent"),)))
    assert (one.outcome, one.verdict) == ("contradicted", "better")
    undeclared = predict(1, "same", metric="l0", direction="equivalent")
    assert judged(undeclared)[0].reason == "l0 declares no smallest interesting effect"


def test_a_small_but_certain_difference_is_called_small():
    runs = {**RUNS, "good": {"arm": point(50, 47.0, effect=0.01)}}
    (one,) = judge(made(runs, (predict(1, "good"),)))
    assert (one.outcome, one.verdict) == ("confirmed", "better")
    assert one.reason == "the difference is smaller than the smallest interesting one"


def test_what_never_ran_or_cannot_be_compared_is_undecided_and_still_counts():
    alone = judged(predict(1, "good"))[0]
    found = judged(predict(1, "good"), predict(2, "never_run"), predict(3, "far"), predict(4, "good", metric="mse"))
    assert [one.outcome for one in found] == ["confirmed", "undecided", "undecided", "undecided"]
    assert [one.verdict for one in found[1:]] == ["not comparable"] * 3
    assert (found[1].arm, found[1].reason) == ("never_run", "no run called never_run succeeded")
    assert "outside the curve" in found[2].reason
    assert found[3].reason == "run_0 has 6 conditions, and none was named"
    assert found[0].p == pytest.approx(4 * alone.p)
    assert found[0].interval[1] > alone.interval[1]
    assert found[0].detectable > alone.detectable


def test_the_joint_interval_is_wider_than_one_alone():
    (one, _) = judged(predict(1, "good"), predict(2, "bad"))
    plain = difference(made(RUNS), ("good", "baseline"), "ev")
    assert one.difference == plain.difference
    assert one.interval[0] < plain.interval[0] < plain.interval[1] < one.interval[1]


def test_the_interval_of_a_later_step_of_holm_agrees_with_its_p():
    # by itself at a third of the level H3's interval would include 0; Holm's last step rejects it
    runs = {**RUNS, "slight": {"arm": point(55, 47.0, effect=0.0042)}}
    found = judge(made(runs, (predict(1, "good"), predict(2, "bad"), predict(3, "slight"))))[2]
    assert found.p < 0.05
    assert found.interval[0] == 0
    assert found.outcome == "confirmed"


def test_dunnett_where_all_compare_with_one_condition():
    def shifted(number: int, by: float) -> dict:
        return {"arm": {**point(number, 40.0), "mse": [value + by for value in point(number, 40.0)["mse"]]}}

    runs = {"baseline": shifted(1, 0), "a": shifted(2, -0.05), "b": shifted(3, 0.0)}
    hypotheses = tuple(predict(n, arm, metric="mse", direction="lower") for n, arm in enumerate("ab", start=1))
    found = judge(made(runs, hypotheses))
    assert [one.outcome for one in found] == ["confirmed", "not supported"]
    assert all("Dunnett's test of 2 arms against one control at 0.04" in one.test for one in found)
    (mixed, _) = judge(made(runs, (hypotheses[0], predict(2, "b", metric="mse", direction="equivalent"))))
    assert "Holm" in mixed.test


def test_a_later_round_has_its_own_share_and_needs_fresh_seeds():
    runs = {**RUNS, "again": baseline(), "late": {"arm": point(56, 47.0, effect=0.015)}}
    seeds = {"again": FRESH, "late": FRESH}
    first = predict(1, "good")
    late = predict(2, "late", reference="again", frozen_after=6)
    stale = predict(3, "good", frozen_after=6)
    found = judge(made(runs, (first, late), seeds=seeds))
    assert [one.outcome for one in found] == ["confirmed", "confirmed"]
    assert found[0] == judge(made(runs, (first,), seeds=seeds))[0]
    unhurried = judge(made(runs, (late.model_copy(update={"frozen_after": 0}),), seeds=seeds))[0]
    assert found[1].p == pytest.approx(5 * unhurried.p)
    refused = judge(made(runs, (first, stale), seeds=seeds))[1]
    assert (refused.outcome, refused.verdict) == ("undecided", "not comparable")
    assert "frozen when results on the seeds of run_1 were known" in refused.reason


def test_dev_decides_nothing():
    (one,) = judge(made(RUNS, (predict(1, "good"),), split="dev"))
    assert (one.outcome, one.reason) == ("undecided", "good has no result in this metric")
