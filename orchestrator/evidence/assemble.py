"""A study's evidence from its parts, with the verdicts on its hypotheses: for `confirm`, and for `verify`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.evidence.metrics import Declared
from orchestrator.evidence.verdicts import judge
from orchestrator.records import Evidence, EvidenceEntry, FinalInfo, Hypothesis, Run


def assemble(
    entries: tuple[EvidenceEntry, ...],
    attempts: Sequence[Run],
    results: Mapping[str, FinalInfo],
    hypotheses: tuple[Hypothesis, ...],
    declared: Declared,
) -> Evidence:
    """Return the judged evidence. `results` are the test results by accepted run, `declared` has the metrics."""
    accepted = [run for run in attempts if run.accepted]
    unjudged = Evidence(
        entries=entries,
        runs={run.step.run: run.step.planned.name if run.step.planned else "baseline" for run in accepted},
        settings={name: {c: result.config for c, result in info.root.items()} for name, info in results.items()},
        counts={
            "runs": len(accepted),
            "attempts": len(attempts),
            "rejected": len(attempts) - len(accepted),
            "seeds": max((len(entry.seeds) for entry in entries), default=0),
        },
        hypotheses=hypotheses,
        metrics=declared.metrics,
        equal_settings=declared.equal_settings,
        findings=tuple(finding for run in attempts for finding in run.withdrawn),
    )
    return unjudged.model_copy(update={"verdicts": judge(unjudged, unjudged.equal_settings)})
