"""notes.txt: rendered from the journal and the result files. Its tables come from files, its prose from the model."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator

from orchestrator.attempts import accepted, attempts
from orchestrator.evidence.assemble import assemble
from orchestrator.evidence.facts import FACTS, RunFacts
from orchestrator.evidence.findings import details, hypothesis_verdicts, outcome_words
from orchestrator.evidence.metrics import Source, collect, half_width
from orchestrator.evidence.references import statement
from orchestrator.journal import Journal
from orchestrator.records import (
    Decision,
    Evidence,
    EvidenceEntry,
    FinalInfo,
    Frozen,
    Hypothesis,
    Needs,
    Plan,
    Run,
    Scalar,
    Template,
)
from orchestrator.workspace import Workspace

WIDTH = 110


def render(workspace: Workspace, template: Template, provenance: str) -> str:
    """Return the notes of an idea as it stands: plan, hypotheses, every run and every rejected attempt."""
    journal = workspace.journal
    path = workspace.path("evidence.json")
    evidence = Evidence.model_validate_json(path.read_text()) if path.is_file() else None
    parts = [f"# Notes: {workspace.root.name}", provenance, *_hypotheses(journal, evidence, template)]
    for run in attempts(journal):
        after = journal.find("record", run.step.label, Plan)
        parts += [describe_run(run, workspace, template), *_asked(run, journal)]
        parts += [_by_the_model(after.prose) if after else ""]
    parts += [_by_the_model(stop.prose) for stop in journal.all("stop", Plan)]
    parts += _tested(evidence) if evidence else []
    return "\n\n".join(part for part in parts if part) + "\n"


def on_dev(workspace: Workspace, template: Template) -> Evidence:
    """Return what the accepted runs gave on the dev part, for references in prose; it holds no verdict."""
    runs = accepted(workspace.journal)
    results = {run.step.run: _results(run, workspace) for run in runs}
    entries: list[EvidenceEntry] = []
    for run in runs:
        file = f"{run.path}/final_info.json"
        facts = RunFacts.model_validate_json(workspace.read(f"{run.path}/{FACTS}"))
        source = Source(run.step.run, file, workspace.sha256(file), "dev", facts.seeds)
        entries += collect(results[run.step.run], source, template)
    return assemble(tuple(entries), runs, results, (), template)


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
    return [f"{one.id}: {statement(one, template.metrics)}{_when(one)}" for one in hypotheses]


def frozen_hash(hypotheses: tuple[Hypothesis, ...]) -> str:
    """Return the SHA-256 of hypotheses as they were frozen."""
    return hashlib.sha256("\n".join(one.model_dump_json() for one in hypotheses).encode()).hexdigest()


def _by_the_model(prose: str) -> str:
    """Of a model's prose only typed results are sent back, so it is named as what it is."""
    return textwrap.fill(f"In the model's words: {prose}", WIDTH, break_long_words=False) if prose.strip() else ""


def _when(hypothesis: Hypothesis) -> str:
    known = hypothesis.frozen_after
    return f" (frozen when the results of {known} runs were known; tested on fresh seeds)" if known else ""


def _hypotheses(journal: Journal, evidence: Evidence | None, template: Template) -> Iterator[str]:
    """Yield a part for the plan's hypotheses, and one for each time that later ones were frozen."""
    plan = journal.find("plan", "", Plan)
    rounds = [] if plan is None else [("frozen before the first run", plan.hypotheses)]
    rounds += [
        (f"frozen after {frozen.hypotheses[0].frozen_after} results, tested on fresh seeds", frozen.hypotheses)
        for frozen in journal.all("freeze", Frozen)
    ]
    for when, hypotheses in rounds:
        lines = [_judged(one, evidence, template) for one in hypotheses]
        yield "\n".join([f"## Hypotheses, {when} (SHA-256 {frozen_hash(hypotheses)[:16]})", *lines])


def _judged(hypothesis: Hypothesis, evidence: Evidence | None, template: Template) -> str:
    line = f"{hypothesis.id}: {statement(hypothesis, template.metrics)}"
    verdicts = {one.id: verdict for one, verdict in hypothesis_verdicts(evidence)} if evidence else {}
    if evidence is None or hypothesis.id not in verdicts:
        return f"{line} -- not assessed yet"
    return f"{line}: {outcome_words(evidence, hypothesis.id)}\n    {details(verdicts[hypothesis.id], evidence)}"


def _asked(run: Run, journal: Journal) -> Iterator[str]:
    needs = journal.find("needs", run.step.label, Needs)
    for package in needs.packages if needs else ():
        decision = journal.find("package", package, Decision)
        said = "has not decided" if decision is None else "said yes" if decision.allowed else "said no"
        yield f"The model asked for the package {package}; the user {said}."


def _tested(evidence: Evidence) -> Iterator[str]:
    """Yield the results on the test part, with file and hash of each run's, and the counts of attempts."""
    yield "# Test part, scored once after the last run (a number's key: CONDITION/final_info_dict/METRIC of the file)"
    for run, name in evidence.runs.items():
        scored = [entry for entry in evidence.entries if entry.run == run and entry.split == "test"]
        cells = {(entry.condition, entry.metric): _cell(list(entry.per_seed)) for entry in scored}
        metrics = [metric.name for metric in evidence.metrics]
        rows = [[c, *(cells.get((c, m), "") for m in metrics)] for c in dict.fromkeys(e.condition for e in scored)]
        head = (
            f"## {run}: {name}, from {scored[0].file} (SHA-256 {scored[0].sha256})" if scored else f"## {run}: {name}"
        )
        yield "\n".join([head, _aligned([["condition", *metrics], *rows])])
    counts = ", ".join(f"{what}: {number}" for what, number in evidence.counts.items())
    yield "\n".join([f"Counts: {counts}", *(f"{f.code}: {f.message} ({f.where})" for f in evidence.findings)])


def _results(run: Run, workspace: Workspace) -> FinalInfo:
    return FinalInfo.model_validate_json(workspace.read(f"{run.path}/final_info.json"))


def describe_run(run: Run, workspace: Workspace, template: Template) -> str:
    """Return one attempt as the notes show it: its goal, table, settings and measurements, or why it was rejected."""
    name = run.step.planned.name if run.step.planned else "baseline"
    if not run.accepted:
        lines = [f"{finding.code}: {finding.message} ({finding.where})" for finding in (*run.findings, *run.withdrawn)]
        what = "withdrawn" if run.withdrawn else "rejected"
        return "\n".join([f"## Attempt {run.step.label}: {name}, {what} (kept in {run.path}/)", *lines])
    info = _results(run, workspace)
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
