"""The evaluations of SAEBench: what each needs, where it lies in the package, and what is to be known about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REVIEWS, BIOS = "canrager/amazon_reviews_mcauley_1and5", "LabHC/bias_in_bios"
AUDITED = "an audit of SAEBench (Chanin et al., 2026) says that this metric should not be used"


@dataclass(frozen=True)
class Evaluation:
    """One of SAEBench's evaluations: its folder and config, the data it loads by name, and what to know about it.

    `all_data`: it needs every data set; otherwise it runs on those that are here. `elsewhere`: why it never runs here.
    `main`: those of its results, as category.name, that a table shows.
    """

    folder: str = ""
    config: str = ""
    data: tuple[str, ...] = ()
    all_data: bool = False
    settings: tuple[tuple[str, Any], ...] = ()
    main: tuple[str, ...] = ()
    note: str = ""
    elsewhere: str = ""


CORE = (
    *("sparsity.l0", "recomputed.explained_variance", "recomputed.mse", "reconstruction_quality.cossim"),
    *("model_performance_preservation.ce_loss_score", "model_behavior_preservation.kl_div_score"),
)
EVALUATIONS = {
    "core": Evaluation(
        main=CORE,
        note="ce_loss_score and kl_div_score are above our grader's: the ablation zeroes the start token as well",
    ),
    "absorption": Evaluation(
        "absorption",
        "AbsorptionEvalConfig",
        main=("mean.mean_absorption_fraction_score", "mean.mean_full_absorption_score"),
        note="takes hours on a CPU; meant for 2B and more",
    ),
    "sparse_probing": Evaluation(
        "sparse_probing",
        "SparseProbingEvalConfig",
        (BIOS, REVIEWS, "codeparrot/github-code", "fancyzhx/ag_news", "Helsinki-NLP/europarl"),
        main=("llm.llm_test_accuracy", "sae.sae_test_accuracy", "sae.sae_top_1_test_accuracy"),
    ),
    "scr": Evaluation(
        "scr_and_tpp",
        "ScrAndTppEvalConfig",
        (BIOS, REVIEWS),
        settings=(("perform_scr", True),),
        main=("scr_metrics.scr_metric_threshold_10",),
        note=AUDITED,
    ),
    "tpp": Evaluation(
        "scr_and_tpp",
        "ScrAndTppEvalConfig",
        (BIOS, REVIEWS),
        settings=(("perform_scr", False),),
        main=("tpp_metrics.tpp_threshold_10_total_metric",),
        note=AUDITED,
    ),
    "unlearning": Evaluation(
        "unlearning",
        "UnlearningEvalConfig",
        ("cais/wmdp", "cais/mmlu", "wikitext", "sae_bench/evals/unlearning/data/bio-forget-corpus.jsonl"),
        all_data=True,
        main=("unlearning.unlearning_score",),
        note="meant for instruction-tuned models of 2B and more",
    ),
    "ravel": Evaluation(elsewhere="it loads its data from the hub by itself"),
    "autointerp": Evaluation(elsewhere="it needs a language model as a judge"),
}
