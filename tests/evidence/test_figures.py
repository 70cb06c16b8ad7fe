"""Figures are drawn for real, read back, and sent back where they show something else than the evidence."""

import json
import subprocess
import sys

import pytest

from orchestrator import drawing
from orchestrator.evidence.figures import Drawn, check_figure, shown
from tests.evidence.studies import baseline, made, point

PLOT = """
import json
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

values = {}
for e in json.load(open("evidence.json"))["entries"]:
    values.setdefault((e["run"], e["condition"]), {})[e["metric"]] = e
fig, ax = plt.subplots(figsize=(3.4, 2.6), layout="constrained")


def ends(entries, metric):
    pairs = [(e[metric]["value"], *e[metric]["interval"]) for e in entries]
    return [[v - low for v, low, _ in pairs], [high - v for v, _, high in pairs]]


def draw(run, label, marker, color, **changes):
    entries = sorted((e for (r, _), e in values.items() if r == run), key=lambda e: e["l0"]["value"])
    x, y = ([e[m]["value"] for e in entries] for m in ("l0", "ev"))
    bars = {"xerr": ends(entries, "l0"), "yerr": ends(entries, "ev")} | changes
    ax.errorbar(x, y, fmt=marker, color=color, label=label, **bars)


draw("run_0", "baseline", "o-", "#777777")
draw("run_1", "arm (run_1)", "s", "#0072b2")
ax.axhline(0.0, linewidth=0.5, color="k")
ax.set_xlabel("L0 (features)")
ax.set_ylabel("Explained variance")
ax.legend()
for kind in ("pdf", "png"):
    fig.savefig(f"figures/one.{kind}")
"""


@pytest.fixture(scope="module")
def study():
    """A baseline curve, and an arm, with intervals."""
    plain = made({"baseline": baseline(), "arm": {"x": point(9, 50.0, 0.05)}})
    wide = [e.model_copy(update={"interval": (e.value - 0.004, e.value + 0.004)}) for e in plain.entries]
    return plain.model_copy(update={"entries": tuple(wide)})


@pytest.fixture
def draw(tmp_path, study):
    """Run a plot.py as it is run in the sandbox; return what was read back."""

    def run(text: str) -> Drawn:
        (tmp_path / "plot.py").write_text(text)
        (tmp_path / "evidence.json").write_text(study.model_dump_json())
        (tmp_path / "figures").mkdir(exist_ok=True)
        command = [sys.executable, drawing.__file__, "plot.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Drawn.model_validate(json.loads((tmp_path / "figures" / "one.json").read_text()))

    return run


def test_an_honest_figure_passes_and_says_what_it_shows(draw, study):
    drawn = draw(PLOT)
    assert check_figure(drawn, study) == ()
    assert {(entry.run, entry.metric) for entry in shown(drawn, study)} == {("run_0", "ev"), ("run_1", "ev")}


def test_hashes_of_script_and_data_are_in_both_files(draw, tmp_path):
    first = draw(PLOT)
    written = {name: (tmp_path / "figures" / name).read_bytes() for name in ("one.pdf", "one.png")}
    for content in written.values():
        assert first.source["plot.py"].encode() in content
        assert first.source["evidence.json"].encode() in content
    draw(PLOT)
    assert {name: (tmp_path / "figures" / name).read_bytes() for name in written} == written


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('draw("run_', 'lambda: draw("run_', "blank"),
        ('y = ([e[m]["value"]', 'y = ([e[m]["value"] * 1.01', "no value of one metric"),
        ('"arm (run_1)"', '"baseline"', "names run_0|doesn't say so"),
        ('"arm (run_1)"', '"ours"', "doesn't say so"),
        ('draw("run_1"', 'lambda: draw("run_1"', "without run_1"),
        ('"yerr": ends(entries, "ev")', '"yerr": 0.001', "lacks error bars"),
        ('"Explained variance"', '"Mean squared error"', "call it explained variance"),
        ('"Explained variance"', '""', "call it explained variance"),
        ('"s", "#0072b2"', '"o-", "#707070"', "look alike in grey"),
        ("ax.legend()", "ax.legend(fontsize=4)", "4 pt"),
        ("ax.legend()", "ax.set_xticks([50, 50.1], ['fifty', 'about fifty'])", "over each other"),
    ],
)
def test_what_is_wrong_with_a_figure_is_named(draw, study, old, new, reason):
    assert old in PLOT
    problems = check_figure(draw(PLOT.replace(old, new)), study)
    assert any(part in problem for problem in problems for part in reason.split("|")), problems


def test_bars_that_are_named_below_the_axis_are_read(draw, study):
    text = (
        PLOT.split('draw("run_0"')[0]
        + """
keys = list(values)
heights = [values[k]["ev"]["value"] for k in keys]
ax.bar(range(len(keys)), heights, yerr=ends(list(values.values()), "ev"))
ax.set_xticks(range(len(keys)), [k[0] for k in keys], rotation=90)
ax.set_ylabel("explained variance")
for kind in ("pdf", "png"):
    fig.savefig(f"figures/one.{kind}")
"""
    )
    assert check_figure(draw(text), study) == ()
    problems = check_figure(draw(text.replace("[k[0] for k", "['run_1' for k")), study)
    assert any("`run_1` stands at a value of run_0" in problem for problem in problems)
