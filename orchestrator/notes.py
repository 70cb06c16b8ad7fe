"""notes.txt: rendered from the journal and the result files. Its tables come from files, its prose from the model."""

from __future__ import annotations

import hashlib
import textwrap

from orchestrator.evidence.findings import details, hypothesis_verdicts, outcome_words
from orchestrator.evidence.metrics import half_width
from orchestrator.evidence.references import statement
from orchestrator.records import Evidence, FinalInfo, Hypothesis, Plan, Run, Scalar, Template
from orchestrator.workspace import Workspace

WIDTH = 110


def render(workspace: Workspace, template: Template, provenance: str) -> str:
    """Return the notes of an idea as it stands: plan, hypotheses, every run and every rejected attempt."""
    journal = workspace.journal
    plan = journal.find("plan", "", Plan)
    parts = [f"# Notes: {workspace.root.name}", provenance]
    if plan is not None:
        parts += [_hypotheses(plan, workspace, template)]
    for run in journal.all("execute", Run):
        after = journal.find("record", run.step.label, Plan)
        parts += [describe_run(run, workspace, template), textwrap.fill(after.prose, WIDTH) if after else ""]
    parts += [textwrap.fill(stop.prose, WIDTH) for stop in journal.all("stop", Plan)]
    return "\n\n".join(part for part in parts if part) + "\n"


def results_table(info: FinalInfo, template: Template) -> str:
    """Return the metrics of every condition as an aligned text table: mean and half-width of the 95 % t interval."""
    header = ["condition", *(metric.name for metric in template.metrics)]
    rows = [
        [name, *(_cell(condition.final_info_dict.get(metric.name, [])) for metric in template.metrics)]
        for name, condition in info.root.items()
    ]
    return _aligned([header, *rows])


def hypothesis_lines(hypotheses: tuple[Hypothesis, ...], template: Template) -> list[str]:
    """Return each hypothesis in our own words, as frozen."""
    return [f"{hypothesis.id}: {statement(hypothesis, template.metrics)}" for hypothesis in hypotheses]


def frozen_hash(hypotheses: tuple[Hypothesis, ...]) -> str:
    """Return the SHA-256 of hypotheses as they were frozen."""
    return hashlib.sha256("\n".join(one.model_dump_json() for one in hypotheses).encode()).hexdigest()


def _hypotheses(plan: Plan, workspace: Workspace, template: Template) -> str:
    path = workspace.path("evidence.json")
    known = Evidence.model_validate_json(path.read_text()) if path.is_file() else None
    lines = [f"{line} -- not assessed yet" for line in hypothesis_lines(plan.hypotheses, template)]
    if known is not None and known.verdicts:
        lines = [
            f"{one.id}: {statement(one, known.metrics)}: {outcome_words(known, one.id)}\n    {details(verdict, known)}"
            for one, verdict in hypothesis_verdicts(known)
        ]
    head = f"## Hypotheses, frozen before the first run (SHA-256 {frozen_hash(plan.hypotheses)[:16]})"
    return "\n".join([head, *lines])


def describe_run(run: Run, workspace: Workspace, template: Template) -> str:
    """Return one attempt as the notes show it: its goal, table, settings and measurements, or why it was rejected."""
    name = run.step.planned.name if run.step.planned else "baseline"
    if not run.accepted:
        lines = [f"{finding.code}: {finding.message} ({finding.where})" for finding in run.findings]
        return "\n".join([f"## Attempt {run.step.label}: {name}, rejected (kept in {run.path}/)", *lines])
    info = FinalInfo.model_validate_json(workspace.read(f"{run.path}/final_info.json"))
    settings = _settings({condition: result.config for condition, result in info.root.items()})
    measured = [
        f"{condition}: {name} {_cell(values)} (self-reported by experiment.py)"
        for condition, result in info.root.items()
        for name, values in result.self_reported.items()
    ]
    head = f"## {run.step.run}: {name} (dev part, from {run.path}/final_info.json; mean +- 95 % half-width over seeds)"
    goal = [textwrap.fill(f"Goal: {run.step.planned.goal}", WIDTH)] if run.step.planned else []
    warnings = [f"{finding.severity} {finding.code}: {finding.message}" for finding in run.findings]
    return "\n".join([head, *goal, results_table(info, template), *settings, *measured, *warnings])


def _settings(configs: dict[str, dict[str, Scalar]]) -> list[str]:
    """What all conditions have in common in one line, then what each has of its own."""
    first = next(iter(configs.values()), {})
    common = (
        {k: v for k, v in first.items() if all(c.get(k) == v for c in configs.values())} if len(configs) > 1 else {}
    )
    own = {name: {k: v for k, v in config.items() if k not in common} for name, config in configs.items()}
    named = [("settings of all conditions", common), *own.items()]
    lines = [
        f"{name}: " + ", ".join(f"{key}={value}" for key, value in config.items()) for name, config in named if config
    ]
    return [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines]


def _cell(values: list[float | None]) -> str:
    finite = tuple(value for value in values if value is not None)
    if len(finite) < len(values) or not finite:
        return "missing"
    half = half_width(finite)
    mean = sum(finite) / len(finite)
    return f"{mean:.5g}" if half is None else f"{mean:.5g} +- {half:.2g}"


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
