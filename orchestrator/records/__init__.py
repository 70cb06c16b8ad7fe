"""The frozen records that flow between stages. Parsed once, at a file's edge; never changed after."""

from orchestrator.records.base import Finding, Record, Scalar, Slug
from orchestrator.records.evidence import (
    Evidence,
    EvidenceEntry,
    Figure,
    Interval,
    OutcomeWord,
    Section,
    Verdict,
    VerdictWord,
)
from orchestrator.records.plan import Hypothesis, Plan, PlannedRun, Step
from orchestrator.records.run import Condition, Edit, FinalInfo, ProcessResult, Run
from orchestrator.records.setting import Commands, Direction, Idea, Limits, MetricSpec, Part, Profile, Template

__all__ = [
    "Commands",
    "Condition",
    "Direction",
    "Edit",
    "Evidence",
    "EvidenceEntry",
    "Figure",
    "FinalInfo",
    "Finding",
    "Hypothesis",
    "Idea",
    "Interval",
    "Limits",
    "MetricSpec",
    "OutcomeWord",
    "Part",
    "Plan",
    "PlannedRun",
    "ProcessResult",
    "Profile",
    "Record",
    "Run",
    "Scalar",
    "Section",
    "Slug",
    "Step",
    "Template",
    "Verdict",
    "VerdictWord",
]
