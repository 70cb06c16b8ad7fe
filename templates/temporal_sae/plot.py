"""Draw the figures from evidence.json: python plot.py, in the folder that holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

SPLIT = "test"
BASELINE = "run_0"
WIDTH_IN, HEIGHT_IN = 3.4, 2.9  # one column of a two-column page
# Legend text by run, or by run and condition ("run_2@fixed"); without one, the run's name and its condition are shown.
LABELS: dict[str, str] = {BASELINE: "L1 baseline"}
# Markers differ in shape and colours in lightness, so that either alone tells the runs apart.
STYLES = [("s", "#d55e00"), ("^", "#0072b2"), ("D", "#e69f00"), ("v", "#000000"), ("P", "#56b4e9"), ("X", "#882255")]
AXES = {
    "l0": "Active features per token (L0)",
    "explained_variance": "Explained variance (fraction)",
    "temporal_consistency": "Change between adjacent tokens\n(relative to mean activation)",
}

Entry = dict[str, Any]
Points = dict[tuple[str, str], dict[str, Entry]]


def read_points(path: Path) -> Points:
    """Return the entries of the split that is drawn, by run and condition, then metric."""
    points: Points = {}
    for entry in json.loads(path.read_text("utf-8"))["entries"]:
        if entry["split"] == SPLIT:
            points.setdefault((entry["run"], entry["condition"]), {})[entry["metric"]] = entry
    return points


def draw(name: str, metric: str, points: Points) -> None:
    """Draw `metric` against L0: the baseline as a connected curve, each other condition as one point."""
    drawable = {key: entries for key, entries in points.items() if "l0" in entries and metric in entries}
    figure, axes = plt.subplots(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    baseline = [entries for (run, _), entries in drawable.items() if run == BASELINE]
    if baseline:
        curve = sorted(baseline, key=lambda entries: entries["l0"]["value"])
        draw_points(axes, curve, metric, {"fmt": "o-", "color": "#777777", "label": LABELS.get(BASELINE, BASELINE)})
    others = [(key, entries) for key, entries in drawable.items() if key[0] != BASELINE]
    for place, ((run, condition), entries) in enumerate(others):
        marker, colour = STYLES[place % len(STYLES)]
        label = LABELS.get(f"{run}@{condition}") or LABELS.get(run) or f"{run}: {condition}"
        # Hollow, so that two runs at the same place are both seen.
        draw_points(axes, [entries], metric, {"fmt": marker, "color": colour, "label": label, "mfc": "none"})
    axes.set_xlabel(AXES["l0"])
    axes.set_ylabel(AXES[metric])
    axes.grid(visible=True, linewidth=0.3, color="#cccccc")
    if drawable:
        figure.legend(loc="outside upper center", ncols=2, frameon=False, handletextpad=0.4, columnspacing=1.0)
    save(figure, name)


def draw_points(axes: Axes, entries: list[dict[str, Entry]], metric: str, style: dict[str, Any]) -> None:
    """Draw values with their 95 % intervals in both directions."""
    axes.errorbar(
        [entry["l0"]["value"] for entry in entries],
        [entry[metric]["value"] for entry in entries],
        xerr=half_widths(entries, "l0"),
        yerr=half_widths(entries, metric),
        markersize=4,
        linewidth=1,
        elinewidth=0.8,
        capsize=1.5,
        **style,
    )


def half_widths(entries: list[dict[str, Entry]], metric: str) -> list[list[float]]:
    """Return the intervals as distances below and above each value; zero where there is no interval."""
    below, above = [], []
    for entry in entries:
        value = entry[metric]["value"]
        low, high = entry[metric]["interval"] or (value, value)
        below.append(value - low)
        above.append(high - value)
    return [below, above]


def save(figure: plt.Figure, name: str) -> None:
    """Write the figure as PDF and PNG."""
    folder = Path("figures")
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
    figure.savefig(folder / f"{name}.png", dpi=200)
    plt.close(figure)


def main() -> None:
    """Draw every figure."""
    mpl.use("Agg")
    mpl.rcParams.update({"pdf.fonttype": 42, "font.size": 8, "legend.fontsize": 7, "axes.linewidth": 0.6})
    points = read_points(Path("evidence.json"))
    draw("tradeoff", "explained_variance", points)
    draw("consistency", "temporal_consistency", points)


if __name__ == "__main__":
    main()
