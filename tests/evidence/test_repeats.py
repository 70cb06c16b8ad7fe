"""Results that repeat where they can't."""

from orchestrator.evidence.repeats import repeats
from tests.evidence.graded import BASE, BASELINE, GOOD, OTHER, SEEDS, TEMPLATE, condition, graded, planned

LOSS = {"mean_loss": [0.5, 0.6, 0.7]}


def found(run, *earlier):
    return [(f.severity, f.code) for f in repeats(run, earlier or (BASELINE,), TEMPLATE)]


def test_new_results_raise_no_alarm():
    assert found(graded({"arm": condition(GOOD)})) == []


def test_ancestor_4_results_of_a_no_op_edit():
    assert found(graded({"arm": condition(BASE)})) == [("error", "identical-run")]
    first = graded({"arm": condition(GOOD)}, planned=planned("first"))
    assert found(graded({"again": condition(GOOD)}, name="run_2"), BASELINE, first) == [("error", "identical-run")]


def test_ancestor_4_the_same_loss_and_core_metrics():
    almost = {**BASE, "weight_norm": [3.0, 3.5, 3.1]}
    base = graded({"base": condition(BASE, reported=LOSS)}, name="run_0")
    assert found(graded({"arm": condition(almost, reported=LOSS)}), base) == [("error", "same-training")]
    assert found(graded({"arm": condition(almost, reported={"mean_loss": [0.5, 0.6, 0.8]})}), base) == []


def test_a_planned_replication_raises_no_alarm():
    assert found(graded({"arm": condition(BASE)}, planned=planned(replicates="baseline"))) == []
    assert found(graded({"arm": condition(BASE)}, planned=planned(replicates="other"))) != []


def test_one_repeated_condition_beside_a_new_one_is_in_order():
    assert found(graded({"base": condition(BASE), "arm": condition(GOOD)})) == []


def test_a_repeated_condition_under_another_setting_is_doubtful():
    changed = condition(BASE, config={"steps": 200, "lr": 0.7})
    assert found(graded({"lr=0.7": changed, "arm": condition(GOOD)})) == [("warning", "identical-run")]


def test_metrics_that_may_repeat_do_not_make_two_runs_the_same():
    mse, norm = TEMPLATE.metrics
    declared = TEMPLATE.model_copy(update={"metrics": (mse, norm.model_copy(update={"may_repeat": True}))})
    run = graded({"arm": condition({**OTHER, "weight_norm": BASE["weight_norm"]})})
    assert repeats(run, (BASELINE,), declared) == ()


def left(condition_name, hashes):
    return {f"{condition_name}/seed_{s}/weights.npy": h for s, h in zip(SEEDS, hashes, strict=True)}


def test_copied_weights_are_seen_under_another_setting():
    base = graded({"base": condition(BASE)}, name="run_0", artefacts=left("base", "abc"))
    copied = graded({"arm": condition(GOOD, config={"steps": 200, "lr": 0.9})}, artefacts=left("arm", "xbz"))
    assert found(copied, base) == [("error", "copied-result")]
    assert "run_0@base" in repeats(copied, (base,), TEMPLATE)[0].message
    again = graded({"base": condition(BASE), "arm": condition(GOOD)}, artefacts=left("base", "abc"))
    assert found(again, base) == []


def test_one_training_under_two_seeds_is_a_copy():
    assert found(graded({"arm": condition(GOOD)}, artefacts=left("arm", "aab"))) == [("error", "copied-result")]


def test_records_that_agree_are_no_copied_weights():
    configs = {f"arm/seed_{s}/config.json": "same" for s in SEEDS}
    assert found(graded({"arm": condition(GOOD)}, artefacts=configs)) == []


def test_a_copied_result_file_is_named():
    base = graded({"base": condition(BASE)}, name="run_0", result_sha256="feed")
    run = graded({"arm": condition(GOOD)}, claimed={"final_info.json": "feed"})
    assert found(run, base) == [("error", "copied-result")]
