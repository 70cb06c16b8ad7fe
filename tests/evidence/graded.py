"""Graded runs made by hand, for the tests of the gate."""

from orchestrator.evidence.facts import Counter, GradedRun, RunFacts
from orchestrator.inputs import load_template
from orchestrator.records import Condition, FinalInfo, PlannedRun
from tests.conftest import QUICK

TEMPLATE = load_template(QUICK / "quick_fit")
SEEDS = (1, 2, 3)
GOOD = {"mse": [0.1, 0.2, 0.3], "weight_norm": [1.0, 1.0, 1.0]}
OTHER = {"mse": [0.4, 0.5, 0.6], "weight_norm": [2.0, 2.0, 2.5]}
BASE = {"mse": [0.7, 0.8, 0.9], "weight_norm": [3.0, 3.5, 3.0]}


def condition(values=GOOD, config=None, reported=None):
    """One condition with its per-seed values by metric."""
    config = {"steps": 200, "lr": 0.1} if config is None else config
    return Condition(means={}, stderrs={}, final_info_dict=values, config=config, self_reported=reported or {})


def counted(*names, last=200, gap=100, seeds=SEEDS):
    """Counters as an honest run leaves them."""
    return {f"{name}/{seed}": Counter(last=last, gap=gap) for name in names for seed in seeds}


def graded(conditions, name="run_1", planned=None, **facts):
    """A run of these conditions; facts are an honest run's unless given."""
    given = {"seeds": SEEDS, "cpu_s": 1.0, "counters": counted(*conditions), **facts}
    return GradedRun(name, planned, FinalInfo(conditions), RunFacts(**given))


def planned(name="arm", **fields):
    """A planned run."""
    return PlannedRun(name=name, goal="Try it.", **fields)


BASELINE = graded({"base": condition(BASE)}, name="run_0")
