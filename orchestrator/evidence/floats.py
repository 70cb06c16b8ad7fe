"""Tables and figures that code makes from the evidence, as LaTeX. Pure."""

from __future__ import annotations

import re

from orchestrator.evidence.entries import UnknownReference, find, half_width_of, linked, points, words
from orchestrator.evidence.syntax import near
from orchestrator.records import Evidence, MetricSpec
from orchestrator.typography import escape, tex_interval

NAMES = frozenset({"resultstable", "evidencefigure"})
ARROWS = {"lower": r"~$\downarrow$", "higher": r"~$\uparrow$", "none": ""}
_FILE = re.compile(r"[A-Za-z0-9_./-]+")

_TABLE = r"""
\begin{{table}}[htbp]
\centering
\caption[]{{{caption} {note}}}
\label{{{label}}}
\begin{{adjustbox}}{{max width=\linewidth}}\small
\begin{{tabular}}{{@{{}}l{columns}@{{}}}}
\toprule
{header} \\
\midrule
{body} \\
\bottomrule
\end{{tabular}}
\end{{adjustbox}}
\end{{table}}
"""

_FIGURE = r"""
\begin{{figure}}[htbp]
\centering
\includegraphics[width=0.72\linewidth,height=0.4\textheight,keepaspectratio]{{{file}}}
\caption[]{{{caption} {note}}}
\label{{{label}}}
\end{{figure}}
"""


def results_table(evidence: Evidence, runs: str, metrics: str, label: str, caption: str) -> str:
    """Return a table with a row for each run, or for each point of a curve; lists are separated by commas."""
    specs = [_spec(name, evidence) for name in _listed(metrics, "metric")]
    rows = [point for name in _listed(runs, "run") for point in points(evidence, name)]
    many = {run for run, _ in rows if sum(one == run for one, _ in rows) > 1}
    lines = [_row(run, condition, specs, evidence, curve=run in many) for run, condition in rows]
    return _TABLE.format(
        caption=caption,
        note=rf"{{\footnotesize {_explained(specs)}}}",
        label=label,
        columns="c" * len(specs),
        header=" & ".join(["Run", *(_heading(spec) for spec in specs)]),
        body=" \\\\\n".join(lines),
    )


def evidence_figure(evidence: Evidence, name: str, label: str, caption: str) -> str:
    """Return a figure that plot.py drew, by its name with or without `.pdf`; it lies in `figures/` beside the paper."""
    figures = {figure.name: figure for figure in evidence.figures if _FILE.fullmatch(figure.pdf)}
    chosen = name.removesuffix(".pdf").removeprefix("figures/")
    if chosen not in figures:
        raise UnknownReference(f"no figure `{name}`; {near(chosen, figures)}")
    note = r"{\footnotesize Drawn by \texttt{plot.py} from \texttt{evidence.json}.}"
    return _FIGURE.format(file=figures[chosen].pdf, caption=caption, note=note, label=label)


def _listed(names: str, what: str) -> tuple[str, ...]:
    listed = tuple(name.strip() for name in names.split(",") if name.strip())
    if not listed:
        raise UnknownReference(f"a table needs at least one {what}")
    return listed


def _spec(name: str, evidence: Evidence) -> MetricSpec:
    specs = {spec.name: spec for spec in evidence.metrics}
    if name not in specs:
        raise UnknownReference(f"no metric `{name}`; {near(name, specs)}")
    return specs[name]


def _explained(specs: list[MetricSpec]) -> str:
    """Say in a caption what the numbers below it are."""
    sentences = [r"Mean over seeds $\pm$ half-width of the 95\,\% $t$ interval."]
    units = [f"{words(spec.name, (spec,))} in {spec.unit}" for spec in specs if spec.unit]
    if units:
        sentences.append(escape(f"Units: {', '.join(units)}."))
    if any(ARROWS[spec.direction] for spec in specs):
        sentences.append("Arrows point to the better direction.")
    return " ".join(sentences)


def _heading(spec: MetricSpec) -> str:
    parts = escape(words(spec.name, (spec,))).split(" ")
    return rf"\makecell[b]{{{_two_lines(parts)}{ARROWS[spec.direction]}}}"


def _two_lines(parts: list[str]) -> str:
    """Break a heading near its middle, so that a table of five metrics fits the page."""
    if len(parts) < 2:
        return parts[0]
    middle = min(range(1, len(parts)), key=lambda n: abs(len(" ".join(parts[:n])) - len(" ".join(parts[n:]))))
    return " ".join(parts[:middle]) + r"\\" + " ".join(parts[middle:])


def _row(run: str, condition: str, specs: list[MetricSpec], evidence: Evidence, *, curve: bool) -> str:
    name = escape(evidence.runs[run].replace("_", " "))
    point = rf", {escape(condition)}" if curve else ""
    cells = [_cell(f"{run}@{condition}", spec.name, evidence) for spec in specs]
    return " & ".join([rf"{name} (\texttt{{{escape(run)}}}{point})", *cells])


def _cell(point: str, metric: str, evidence: Evidence) -> str:
    try:
        entry = find(evidence, point, metric)
    except UnknownReference:
        return "--"
    return linked(evidence, entry, tex_interval(entry.value, half_width_of(entry)))
