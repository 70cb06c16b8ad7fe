"""The gate on 29 idea folders of the ancestor, against counts that an independent script made of them.

Where they lie is said by GROUNDWORK_CORPUS. The labels count both of two equal runs, so that here each run is looked at
beside all others of its folder; the gate itself sees the earlier ones.
"""

import csv
import os
from functools import cache
from pathlib import Path

import pytest

from orchestrator.evidence.gate import check_run
from orchestrator.evidence.repeats import repeats
from tests.conftest import missing
from tests.corpus import declared, runs_of

LABELS = {
    "zero-steps": "runs_steps0",
    "null-loss": "runs_null_loss",
    "non-finite": "runs_nan",
    "no-metrics": "runs_no_metric_at_all",
    "incomparable-baseline": "runs_incomparable_cfg",
    "foreign-baseline": "runs_no_shared_metric_with_baseline",
}
# In these the baseline was evaluated at layer 5 and the runs at layer 19. The labels also believed a default of 19 that
# stands beside the baseline's evaluation, and so found a layer in common; the count is of runs.
OTHER_LAYER = {
    "20250119_173741_curriculum_sparsity_sae": 1,
    "20250123_155101_dynamic_compression_sae": 4,
    "20250125_115356_adaptive_orthogonal_sae": 5,
    "20250125_124320_adaptive_orthogonal_sae": 10,
    "20250125_152953_adaptive_orthogonal_sae": 7,
    "20250125_154356_temporal_sae": 1,
}
# Here the loss of five trainings is NaN, and the labels count it as such.
NAN_LOSS = {"20250126_191037_selective_orthogonal_sae": 5}


@pytest.fixture(scope="module")
def corpus():
    root = Path(os.environ.get("GROUNDWORK_CORPUS", ""))
    if not (root / "labels.csv").is_file():
        missing("GROUNDWORK_CORPUS does not name the folder with the ancestor's idea folders and labels.csv")
    return root


@pytest.fixture(scope="module")
def labels(corpus):
    with (corpus / "labels.csv").open() as file:
        return list(csv.DictReader(file))


@cache
def gated(folder):
    """Return the codes of each run beside the baseline, and beside all other runs of its folder."""
    pairs = list(runs_of(folder))
    codes = []
    for run, base in pairs:
        others = [other for other, _ in pairs if other is not run]
        found = (*check_run(run, [base], declared(run, base)), *repeats(run, others, declared(run, base)))
        beside = {finding.code for finding in repeats(run, others, declared(run, base))}
        codes.append(({finding.code for finding in found if finding.severity == "error"}, beside))
    return codes


def name_of(row):
    return row["folder"].rpartition("/")[2]


def test_the_labels_are_of_as_many_runs_as_are_read(corpus, labels):
    assert {row["folder"]: len(gated(corpus / row["folder"])) for row in labels} == {
        row["folder"]: int(row["runs_parsed"]) for row in labels
    }
    assert sum(int(row["runs_parsed"]) for row in labels) == 144


@pytest.mark.parametrize("code", LABELS)
def test_the_gate_finds_what_the_labels_say(corpus, labels, code):
    more = {"incomparable-baseline": OTHER_LAYER, "null-loss": NAN_LOSS}.get(code, {})
    found = {name_of(row): sum(code in codes for codes, _ in gated(corpus / row["folder"])) for row in labels}
    assert found == {name_of(row): int(row[LABELS[code]]) + more.get(name_of(row), 0) for row in labels}


def test_identical_runs_and_equal_trainings_are_found(corpus, labels):
    for row in labels:
        beside = [codes for _, codes in gated(corpus / row["folder"])]
        identical = sum("identical-run" in codes for codes in beside)
        assert identical == int(row["runs_identical_to_sibling"]), row["folder"]
        equal = sum(bool(codes & {"identical-run", "same-training"}) for codes in beside)
        assert equal == max(identical, int(row["runs_same_loss_and_core"])), row["folder"]


def test_most_runs_of_the_ancestor_would_not_have_counted(corpus, labels):
    codes = [codes for row in labels for codes, _ in gated(corpus / row["folder"])]
    assert sum(bool(found) for found in codes) >= 120
