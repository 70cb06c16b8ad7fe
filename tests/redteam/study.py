"""The study that the red team's sentences are about: four runs beside a baseline's curve, and what was found of them.

H1 (run_1 has a higher explained variance than the baseline) is confirmed, H2 (the same of run_2) contradicted, H3
(run_1 against run_3, which differ by less than seeds do) not supported, H4 (of a run that never succeeded) undecided.
run_4 trained for half the steps. Of seven attempts two were rejected.
"""

from __future__ import annotations

from orchestrator.evidence.verdicts import judge
from orchestrator.records import Evidence, Figure
from tests.evidence.studies import baseline, made, point, predict

CITATION_KEYS = ("li2020", "bricken2023monosemanticity")
COMMON = {"d_sae": 1152, "l1": 0.0006}


def study() -> Evidence:
    runs = {
        "baseline": baseline(),
        "adaptive": {"adaptive": point(11, 45.0, 0.05)},
        "fixed": {"fixed": point(12, 50.0, -0.05)},
        "fixed_at_mean": {"fixed_at_mean": point(13, 47.0, 0.05, scale=0.03)},
        "short": {"short": point(14, 60.0, 0.0)},
    }
    settings = {
        "run_0": {f"l1={n}": {"l1": n / 1000, "d_sae": 1152, "steps": 200} for n in range(6)},
        "run_1": {"adaptive": {**COMMON, "steps": 200, "l2": 0.0005, "beta": 5.0}},
        "run_2": {"fixed": {**COMMON, "steps": 200, "l2": 0.001, "alpha": 1.0}},
        "run_3": {"fixed_at_mean": {**COMMON, "steps": 200, "l2": 0.0005, "alpha": 0.53}},
        "run_4": {"short": {**COMMON, "steps": 100, "l2": 0.0005, "beta": 5.0}},
    }
    hypotheses = (
        predict(1, "adaptive", match="l0"),
        predict(2, "fixed", match="l0"),
        predict(3, "adaptive", reference="fixed_at_mean", match="l0"),
        predict(4, "wide", match="l0"),
    )
    evidence = _with_full_names(made(runs, hypotheses, settings=settings))
    alpha = next(e for e in evidence.entries if e.run == "run_1").model_copy(
        update={"id": "run_1@adaptive/mean_alpha", "metric": "mean_alpha", "value": 0.53, "split": "self-reported"}
    )
    evidence = evidence.model_copy(
        update={
            "entries": (*evidence.entries, alpha),
            "counts": {"runs": 5, "attempts": 7, "rejected": 2, "seeds": 5},
            "equal_settings": ("steps", "d_sae"),
            "figures": (
                Figure(
                    name="tradeoff",
                    pdf="figures/tradeoff.pdf",
                    png="figures/tradeoff.png",
                    metrics=("explained_variance",),
                    runs=tuple(evidence.runs),
                ),
            ),
        }
    )
    return evidence.model_copy(update={"verdicts": judge(evidence, evidence.equal_settings)})


def _with_full_names(evidence: Evidence) -> Evidence:
    """Call `ev` what a template would call it."""
    text = evidence.model_dump_json()
    return Evidence.model_validate_json(
        text.replace('"ev"', '"explained_variance"').replace('/ev"', '/explained_variance"')
    )
