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
from orchestrator.records.plan import Decision, Frozen, Hypothesis, Needs, Package, Plan, PlannedRun, Step
from orchestrator.records.run import Condition, Edit, FinalInfo, ProcessResult, Reused, Run
from orchestrator.records.setting import (
    Commands,
    Direction,
    Idea,
    Limits,
    MetricSpec,
    Part,
    Prepared,
    Profile,
    Template,
)
from orchestrator.records.source import FrozenSource, IdKind, Source

__all__ = [
    "Commands",
    "Condition",
    "Decision",
    "Direction",
    "Edit",
    "Evidence",
    "EvidenceEntry",
    "Figure",
    "FinalInfo",
    "Finding",
    "Frozen",
    "FrozenSource",
    "Hypothesis",
    "IdKind",
    "Idea",
    "Interval",
    "Limits",
    "MetricSpec",
    "Needs",
    "OutcomeWord",
    "Package",
    "Part",
    "Plan",
    "PlannedRun",
    "Prepared",
    "ProcessResult",
    "Profile",
    "Record",
    "Reused",
    "Run",
    "Scalar",
    "Section",
    "Slug",
    "Source",
    "Step",
    "Template",
    "Verdict",
    "VerdictWord",
]
