"""`python drawing.py plot.py`: run a script that draws, and write beside each figure what it shows.

Runs confined, in a template's environment: nothing but the standard library and matplotlib is imported. For each
`figures/<name>.pdf` that is saved, `figures/<name>.json` holds the series as the figure's own artists have them. PDF
and PNG carry the hashes of the script and of `evidence.json`, and no date, so that the same data gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import runpy
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DATA = "evidence.json"
Points = list[list[float]]


def main(script: str) -> None:
    """Run `script` in this process, with figures that tell what they show when they are saved."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    source = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in (script, DATA)}
    stamp = ", ".join(f"{name} {sha256}" for name, sha256 in source.items())
    plain = Figure.savefig

    def savefig(self: Any, fname: Any, **options: Any) -> None:
        path = Path(str(fname))
        fields: dict[str, dict[str, str | None]] = {
            ".pdf": {"Keywords": stamp, "CreationDate": None},
            ".png": {"Source": stamp},
        }
        options["metadata"] = {**(options.get("metadata") or {}), **fields.get(path.suffix, {})}
        with rc_context({"pdf.fonttype": 42}):  # outlines as venues want them, not Type 3
            plain(self, fname, **options)
        if path.suffix == ".pdf":
            path.with_suffix(".json").write_text(json.dumps(describe(self) | {"source": source}))

    Figure.savefig = savefig  # type: ignore[method-assign]
    # As `python plot.py` has it: the script's folder comes first, and ours is not on the path.
    sys.path[0] = str(Path.cwd())
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")


def describe(figure: Any) -> dict[str, Any]:
    """Return what a drawn figure shows: for each axes its labels and series, and what is hard to read."""
    figure.draw_without_rendering()
    panels = [describe_axes(axes) for axes in figure.axes]
    texts = [text for axes in figure.axes for text in shown_texts(axes)]
    return {
        "axes": panels,
        "smallest_font_pt": min((float(text.get_fontsize()) for text in texts), default=0.0),
        "overlapping": [pair for axes in figure.axes for pair in overlapping(axes)],
    }


def describe_axes(axes: Any) -> dict[str, Any]:
    """Return the labels of one axes, its series (errorbars, bars, lines, scattered points), and where bars end."""
    from matplotlib.container import BarContainer, ErrorbarContainer

    errorbars = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    taken = {id(part) for one in errorbars for part in (one.lines[0], *one.lines[1])}
    ends = [end for one in errorbars for collection in one.lines[2] for end in collection.get_segments()]
    series = [line(one.lines[0]) | {"label": str(one.get_label())} for one in errorbars if one.lines[0] is not None]
    series += [bars(one) for one in axes.containers if isinstance(one, BarContainer)]
    series += [line(one) for one in axes.lines if id(one) not in taken and len(one.get_xdata())]
    series += [scatter(one) for one in axes.collections if hasattr(one, "get_sizes") and len(one.get_offsets())]
    return {
        "xlabel": axes.get_xlabel(),
        "ylabel": axes.get_ylabel(),
        "ticks": [[float(text.get_position()[0]), text.get_text()] for text in axes.get_xticklabels()],
        "series": series,
        "x_bars": [[float(a[0]), float(b[0])] for a, b in ends if a[1] == b[1]],
        "y_bars": [[float(a[1]), float(b[1])] for a, b in ends if a[0] == b[0]],
    }


def bars(container: Any) -> dict[str, Any]:
    """Return the bars' centres and heights."""
    x = [patch.get_x() + patch.get_width() / 2 for patch in container.patches]
    y = [patch.get_height() for patch in container.patches]
    style = {"marker": "bar", "line": str(container.patches[0].get_hatch())}
    return points(container, x, y) | {"colour": list(container.patches[0].get_facecolor()[:3]), **style}


def line(artist: Any) -> dict[str, Any]:
    """Return a line's points."""
    from matplotlib.colors import to_rgb

    x, y = artist.get_xdata(orig=False), artist.get_ydata(orig=False)
    style = {"marker": str(artist.get_marker()), "line": str(artist.get_linestyle())}
    return points(artist, x, y) | {"colour": list(to_rgb(artist.get_color())), **style}


def scatter(artist: Any) -> dict[str, Any]:
    """Return scattered points."""
    offsets = artist.get_offsets()
    colours = artist.get_facecolor() if len(artist.get_facecolor()) else artist.get_edgecolor()
    style = {"marker": f"path of {len(artist.get_paths()[0].vertices)}", "line": "None"}
    return points(artist, offsets[:, 0], offsets[:, 1]) | {"colour": [float(c) for c in colours[0][:3]], **style}


def points(artist: Any, x: Iterable[float], y: Iterable[float]) -> dict[str, Any]:
    """Return what every kind of series has."""
    return {"label": str(artist.get_label()), "x": [float(value) for value in x], "y": [float(value) for value in y]}


def shown_texts(axes: Any) -> Iterator[Any]:
    """Yield the texts of one axes that are seen: labels, ticks, title, legend."""
    candidates = [axes.xaxis.label, axes.yaxis.label, axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()]
    legends = [axes.get_legend(), *axes.figure.legends]
    candidates += [text for legend in legends if legend is not None for text in legend.get_texts()]
    yield from (text for text in candidates if text.get_visible() and text.get_text())


def overlapping(axes: Any) -> Iterator[str]:
    """Yield neighbouring tick labels that are drawn over each other."""
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        seen = [text for text in ticks if text.get_visible() and text.get_text()]
        for one, other in zip(seen, seen[1:], strict=False):
            if not one.get_rotation() and one.get_window_extent().overlaps(other.get_window_extent()):
                yield f"{one.get_text()} / {other.get_text()}"


if __name__ == "__main__":
    main(sys.argv[1])
