"""Kept evidence beside derived evidence."""

import pytest

from orchestrator.evidence.audit import Audit, RunAudit, differences, same, touched
from orchestrator.evidence.verdicts import judge
from orchestrator.records import Evidence, EvidenceEntry, Finding, Hypothesis
from tests.evidence.graded import SEEDS, TEMPLATE


def entry(run, values):
    return EvidenceEntry(
        id=f"{run}@arm/mse",
        value=sum(values) / 3,
        interval=None,
        run=run,
        condition="arm",
        metric="mse",
        split="test",
        seeds=SEEDS,
        per_seed=values,
        file=f"{run}/test_info.json",
        key="arm/final_info_dict/mse",
        sha256="aa",
        computed_by="grader",
    )


def hypothesis(name, arm):
    return Hypothesis(id=name, metric="mse", direction="lower", arm=arm, reference="baseline")


UNJUDGED = Evidence(
    entries=(entry("run_0", (0.7, 0.8, 0.85)), entry("run_1", (0.1, 0.2, 0.31)), entry("run_2", (0.1, 0.3, 0.2))),
    runs={"run_0": "baseline", "run_1": "first", "run_2": "second"},
    settings={},
    counts={"runs": 3},
    hypotheses=(hypothesis("H1", "first"), hypothesis("H2", "second")),
    metrics=TEMPLATE.metrics,
)
KEPT = UNJUDGED.model_copy(update={"verdicts": judge(UNJUDGED)})


def with_entry(changed):
    entries = tuple(changed if e.id == changed.id else e for e in UNJUDGED.entries)
    evidence = UNJUDGED.model_copy(update={"entries": entries})
    return evidence.model_copy(update={"verdicts": judge(evidence)})


def test_the_same_evidence_has_no_difference():
    assert differences(KEPT, KEPT) == ()


def test_a_changed_value_names_the_entry_and_the_hypotheses_on_it():
    found = differences(KEPT, with_entry(entry("run_1", (0.1, 0.2, 0.91))))
    assert found[0].where == "evidence.json#run_1@arm/mse"
    assert "0.4033333333 from run_1/test_info.json#arm/final_info_dict/mse" in found[0].message
    assert found[0].message.endswith(", and so H1")
    assert [f.where for f in found[1:]] == ["evidence.json#verdicts/H1", "evidence.json#verdicts/H2"]


def test_a_change_in_the_baseline_touches_every_hypothesis():
    assert differences(KEPT, with_entry(entry("run_0", (0.7, 0.8, 0.86))))[0].message.endswith(", and so H1, H2")


def test_an_entry_too_many_and_one_too_few():
    less = KEPT.model_copy(update={"entries": KEPT.entries[:2]})
    assert "stands in no result file" in differences(KEPT, less)[0].message
    assert "missing from evidence.json" in differences(less, KEPT)[0].message


def test_the_same_value_from_another_file_is_a_difference():
    moved = entry("run_1", (0.1, 0.2, 0.31)).model_copy(update={"sha256": "bb"})
    assert "another sha256" in differences(KEPT, with_entry(moved))[0].message


@pytest.mark.parametrize("name", ["runs", "counts", "hypotheses", "settings"])
def test_what_is_no_entry_is_compared_too(name):
    other = {"runs": {}, "counts": {"runs": 4}, "hypotheses": KEPT.hypotheses[:1], "settings": {"run_1": {}}}[name]
    found = differences(KEPT.model_copy(update={name: other}), KEPT)
    assert f"evidence.json#{name}" in [finding.where for finding in found]


def test_a_verdict_of_its_own_is_a_difference():
    flipped = KEPT.verdicts[0].model_copy(update={"outcome": "contradicted"})
    (finding,) = differences(KEPT.model_copy(update={"verdicts": (flipped, KEPT.verdicts[1])}), KEPT)
    assert finding.code == "verdict-differs"
    assert finding.message.startswith("H1 is 'contradicted'")


def test_floats_may_differ_in_the_last_digits_only():
    assert same({"a": (1.0, [2])}, {"a": [1.0 + 1e-12, (2,)]})
    assert not same(1.0, 1.0001)
    assert not same(1, True)


def test_what_a_file_touches():
    assert touched(KEPT, "run_1", "run_1/test_info.json") == "on it rest run_1@arm/mse, and so H1"
    assert touched(KEPT, "run_1", "run_1/final_info.json") == ""


def test_errors_are_counted_over_all_parts():
    def one(severity):
        return Finding(code="x", severity=severity, message="m")

    audit = Audit(
        folder="f", runs=(RunAudit(number=0, findings=(one("error"), one("note"))),), comparison=(one("error"),)
    )
    assert audit.errors == 2
    assert list(audit.model_dump()) == ["folder", "runs", "comparison", "paper"]
