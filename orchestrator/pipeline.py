"""The loop, and nothing else: from an idea to a paper. Safe to call again after a crash."""

from __future__ import annotations

from orchestrator.errors import BudgetReached
from orchestrator.manuscript import standing
from orchestrator.records import Evidence, Plan, Prepared, Record, Step
from orchestrator.stages.cite import Cited, cite_again, cite_sources
from orchestrator.stages.compile import compile_paper
from orchestrator.stages.confirm import confirm
from orchestrator.stages.edit import edit_experiment
from orchestrator.stages.execute import execute_run
from orchestrator.stages.plan import plan_runs
from orchestrator.stages.plot import plot_runs
from orchestrator.stages.prepare import prepare_data
from orchestrator.stages.read import read_literature
from orchestrator.stages.record import record_run
from orchestrator.stages.review import Review, review_paper
from orchestrator.stages.search import search_sources
from orchestrator.stages.write import SECTIONS, revise_section, write_section
from orchestrator.study import Study
from orchestrator.typesetting import Compiled

STAGES = (
    *("prepare", "read", "plan", "edit", "execute", "record"),
    *("confirm", "plot", "search", "write", "cite", "compile", "review"),
)


class Outcome(Record):
    """What an idea came to. `pdf` is empty where no TeX is installed, and `missing` says what installs it."""

    folder: str
    pdf: str
    missing: str


def run_idea(study: Study) -> Outcome:
    """Carry one idea from plan to reviewed paper; what the journal already holds is not done again."""
    data = prepare_data(study)
    read_literature(study)
    plan = plan_runs(study)
    while step := next_step(plan):
        plan = take_step(step, plan, data, study)
    evidence = confirm(data.parts, plan, study)
    evidence = plot_runs(evidence, study)
    search_sources(evidence.hypotheses, study)
    sections = [write_section(name, evidence, study) for name in SECTIONS]
    cited = cite_sources(sections, study)
    paper = compile_paper(cited.sections, evidence, study)
    reviewed = review_paper(paper.pdf, evidence, study)
    if study.improve and reviewed.review:
        paper = _improve(cited, reviewed.review, evidence, study)
    return Outcome(folder=str(study.workspace.root), pdf=paper.pdf, missing=paper.missing)


def _improve(cited: Cited, review: Review, evidence: Evidence, study: Study) -> Compiled:
    """Return the paper after one revision of every section, cited and compiled again."""
    sections = standing(cited.sections, study.workspace.journal)
    revised = [revise_section(one, review.model_dump_json(indent=1), evidence, study) for one in sections]
    cite_again(revised, study)
    return compile_paper(cited.sections, evidence, study)


def take_step(step: Step, plan: Plan, data: Prepared, study: Study) -> Plan:
    """Return the plan after one step. At a budget's limit no further run is made, and the paper is still written."""
    stopped = study.workspace.journal.find("stop", step.label, Plan)
    if stopped is not None:
        return stopped
    try:
        edit = edit_experiment(step, study)
        run = execute_run(step, edit, data.parts, study)
        return record_run(run, plan, study)
    except BudgetReached as reached:
        if not reached.reserve_left or plan.number == 0:
            raise
        study.backends.screen.note(f"  no further runs: {reached}")
        early = plan.model_copy(update={"runs": (), "prose": f"No further runs: {reached}"})
        study.workspace.journal.append("stop", step.label, early)
        return early


def next_step(plan: Plan) -> Step | None:
    """Return the step that a plan asks for next: the baseline first, then its runs in their order."""
    if plan.number == 0:
        return Step(number=0, attempt=plan.attempt)
    if not plan.runs:
        return None
    return Step(number=plan.number, attempt=plan.attempt, planned=plan.runs[0])
