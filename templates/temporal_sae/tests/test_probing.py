from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from temporal_sae.probing import LabelError, Labels, balanced_accuracy, dealt, logistic_regression, probe

NAMES = [f"{topic}/{page}.txt" for topic in ("ref", "topics") for page in "abcd"]


def labels_of(tmp_path: Path, names: list[str], document_N: np.ndarray) -> Labels:
    (tmp_path / "documents.json").write_text(json.dumps(names))
    np.save(tmp_path / "documents.npy", document_N.astype(np.int32))
    return Labels(tmp_path, len(document_N))


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    return labels_of(tmp_path, NAMES, np.arange(80) % 8)


def test_no_document_lies_in_both_halves_and_both_hold_every_topic() -> None:
    document_N = np.repeat(np.arange(8), [9, 1, 5, 5, 2, 2, 2, 2])
    topics = np.array([name.split("/")[0] for name in NAMES])
    fits = dealt(NAMES, topics, document_N)
    for topic in ("ref", "topics"):
        lengths = np.bincount(document_N)[topics == topic]
        assert lengths[fits[topics == topic]].sum() == lengths.sum() / 2


def test_a_feature_that_tells_the_topic_is_found_among_noise(labels: Labels) -> None:
    f_NF = torch.rand(80, 30, generator=torch.Generator().manual_seed(0))
    f_NF[:, 17] = torch.from_numpy(labels.topic_N == "ref").float() + 0.1 * f_NF[:, 17]
    assert labels.accuracy(f_NF, 1) == 1.0


def test_noise_is_at_chance(labels: Labels) -> None:
    generator = torch.Generator().manual_seed(1)
    scores = [labels.accuracy(torch.rand(80, 30, generator=generator), 5) for _ in range(10)]
    assert np.mean(scores) == pytest.approx(0.5, abs=0.06)


def test_a_topic_that_takes_two_features_needs_both() -> None:
    generator = torch.Generator().manual_seed(0)
    f_NF = torch.randn(400, 2, generator=generator)
    mask_N = f_NF.sum(dim=1) > 0
    scores = [balanced_accuracy(mask_N, probe(f_NF, mask_N, f_NF, k)) for k in (1, 2)]
    assert scores[0] == pytest.approx(0.75, abs=0.05)  # the angle between one axis and the diagonal is a quarter of pi
    assert scores[1] > 0.97


def test_the_regression_gives_the_log_odds_where_these_are_known() -> None:
    # one binary feature: 3 of 4 of the class have it, 1 of 4 of the rest; a weak penalty shrinks little
    z_NK = torch.tensor([[1.0], [1.0], [1.0], [0.0], [1.0], [0.0], [0.0], [0.0]], dtype=torch.float64)
    intercept, weight = logistic_regression(z_NK, torch.tensor([True] * 4 + [False] * 4)).tolist()
    assert intercept == pytest.approx(math.log(1 / 3), abs=0.03)
    assert weight == pytest.approx(2 * math.log(3), abs=0.06)


def test_classes_of_unequal_size_weigh_the_same() -> None:
    z_NK = torch.zeros(100, 1, dtype=torch.float64)
    assert logistic_regression(z_NK, torch.arange(100) < 10)[0].item() == pytest.approx(0.0, abs=1e-6)
    assert balanced_accuracy(torch.arange(100) < 10, torch.ones(100, dtype=torch.bool)) == 0.5


def test_with_nothing_to_tell_apart_the_result_is_chance(tmp_path: Path) -> None:
    assert labels_of(tmp_path, ["ref/a.txt"], np.zeros(6)).accuracy(torch.rand(6, 3), 1) == 0.5


def test_documents_that_are_missing_or_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="documents.json: missing"):
        Labels(tmp_path, 4)
    with pytest.raises(LabelError, match="expected 4 places"):
        labels_of(tmp_path, NAMES, np.full(4, 8))
