"""k-sparse probing: how much a few features tell about the text that a sequence comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SMALLEST_SHARE = 0.1
SIZES = (1, 5)
PENALTY = 1e-3


class LabelError(Exception):
    """The part lacks its documents' names, or they don't fit its sequences."""


class Labels:
    """The topic of each sequence: the top folder of its document; and the half that the document was dealt to.

    Needs `documents.json`, a list of names, and `documents.npy` (N,), each sequence's place in it. No document lies
    in both halves, so that a probe can't succeed by recognising a document.
    """

    def __init__(self, part: Path, sequences: int) -> None:
        """Read the documents of `part`; raises LabelError."""
        try:
            names = json.loads((part / "documents.json").read_text("utf-8"))
            document_N = np.load(part / "documents.npy", allow_pickle=False)
        except FileNotFoundError as error:
            raise LabelError(f"{error.filename}: missing, and the grader needs it; prepare the data again") from error
        if document_N.shape != (sequences,) or not 0 <= document_N.min() <= document_N.max() < len(names):
            raise LabelError(f"{part / 'documents.npy'}: expected {sequences} places in documents.json")
        topics = np.array([name.partition("/")[0] for name in names])
        self.topic_N = topics[document_N]
        self.fits_N = torch.from_numpy(dealt(names, topics, document_N)[document_N])

    def tasks(self) -> list[Tensor]:
        """Return a mask (N,) for each topic that a tenth of the sequences have and that both halves can tell apart."""
        found, counts = np.unique(self.topic_N, return_counts=True)
        common = found[counts >= SMALLEST_SHARE * len(self.topic_N)]
        masks = [torch.from_numpy(self.topic_N == topic) for topic in common]
        return [mask for mask in masks if all(0 < int(mask[half].sum()) < int(half.sum()) for half in self._halves())]

    def accuracy(self, f_NF: Tensor, k: int) -> float:
        """Return the balanced accuracy of probes on k features of the sequences' mean codes, averaged over topics.

        After Gurnee et al. (2023), "Finding Neurons in a Haystack": for each topic against the rest, the k features
        with the largest difference between the classes' means are chosen and a logistic regression is fitted, both on
        one half of the documents; the other half is scored. Balanced accuracy is the mean over both classes of the
        share that is recognised, so that chance is 0.5 whatever their sizes. Without any task the result is chance.
        """
        fit_N, score_N = self._halves()
        scores = [
            balanced_accuracy(mask[score_N], probe(f_NF[fit_N], mask[fit_N], f_NF[score_N], k)) for mask in self.tasks()
        ]
        return sum(scores) / len(scores) if scores else 0.5

    def _halves(self) -> tuple[Tensor, Tensor]:
        return self.fits_N, ~self.fits_N


def dealt(names: list[str], topics: np.ndarray, document_N: np.ndarray) -> np.ndarray:
    """Return for each document whether probes are fitted on it; topic by topic, the halves are kept equally long.

    Documents come in the order of their length (their hash, where equal) and each goes to the half that is shorter.
    """
    length = np.bincount(document_N, minlength=len(names))
    order = sorted(range(len(names)), key=lambda n: (-length[n], hashlib.sha256(names[n].encode()).hexdigest()))
    fits, totals = np.zeros(len(names), dtype=bool), {topic: [0, 0] for topic in topics}
    for place in order:
        halves = totals[topics[place]]
        fits[place] = halves[0] <= halves[1]
        halves[0 if fits[place] else 1] += length[place]
    return fits


def probe(fit_NF: Tensor, mask_N: Tensor, score_MF: Tensor, k: int) -> Tensor:
    """Return what a probe on the k features with the largest difference of class means says of `score_MF` (M,)."""
    difference_F = fit_NF[mask_N].mean(dim=0) - fit_NF[~mask_N].mean(dim=0)
    chosen_K = difference_F.abs().topk(min(k, len(difference_F))).indices
    fit_NK, score_MK = fit_NF[:, chosen_K].double(), score_MF[:, chosen_K].double()
    mean_K, spread_K = fit_NK.mean(dim=0), fit_NK.std(dim=0).clamp_min(1e-8)
    weights = logistic_regression((fit_NK - mean_K) / spread_K, mask_N)
    return (score_MK - mean_K) / spread_K @ weights[1:] + weights[0] > 0


def logistic_regression(z_NK: Tensor, mask_N: Tensor) -> Tensor:
    """Return intercept and weights (1 + K,) of a logistic regression in which both classes weigh the same.

    Minimises the mean over classes of the mean negative log-likelihood, plus PENALTY / 2 times the squared weights.
    """
    share_N = torch.where(mask_N, 0.5 / mask_N.sum(), 0.5 / (~mask_N).sum()).double()
    target_N = mask_N.double()
    weights = torch.zeros(1 + z_NK.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits_N = z_NK @ weights[1:] + weights[0]
        losses_N = torch.nn.functional.binary_cross_entropy_with_logits(logits_N, target_N, reduction="none")
        total = (share_N * losses_N).sum() + PENALTY / 2 * weights[1:].square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    return weights.detach()


def balanced_accuracy(mask_M: Tensor, said_M: Tensor) -> float:
    """Return the mean of the shares of either class that are recognised."""
    return float((said_M[mask_M].double().mean() + (~said_M[~mask_M]).double().mean()) / 2)
