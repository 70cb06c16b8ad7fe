from __future__ import annotations

import json
import math
from pathlib import Path

from conftest import TEMPLATE, python

METRICS = ("l0", "explained_variance", "temporal_consistency")


def evidence() -> dict[str, object]:
    """Entries as the orchestrator writes them: a curve of five, three arms, and the same on dev, far away."""
    rows = [("run_0", f"l1={0.001 * 1.12**i:.5f}", 92 / 1.24**i) for i in range(5)]
    rows += [("run_1", "adaptive", 74.0), ("run_2", "fixed", 48.0), ("run_3", "fixed_mean_alpha", 73.0)]
    entries = []
    for split, shift in (("test", 0.0), ("dev", 1000.0)):
        for run, condition, l0 in rows:
            arm = run != "run_0"
            values = (l0, 0.70 + 0.03 * math.log(l0) - 0.006 * arm, 1.85 - 0.0003 * l0 - 0.04 * arm)
            for metric, value in zip(METRICS, values, strict=True):
                half = 0.01 * value if metric == "l0" else 0.003
                interval = (value + shift - half, value + shift + half)
                entries.append(entry(split, (run, condition, metric), value + shift, interval))
    return {"entries": entries}


def entry(split: str, what: tuple[str, str, str], value: float, interval: tuple[float, float]) -> dict[str, object]:
    run, condition, metric = what
    name = f"{run}@{condition}:{metric}:{split}"
    values = {"id": name, "value": value, "interval": interval, "split": split, "per_seed": [value] * 5}
    return {**values, "run": run, "condition": condition, "metric": metric, "seeds": [1, 2, 3, 4, 5]}


def plot(folder: Path, content: dict[str, object]) -> None:
    (folder / "evidence.json").write_text(json.dumps(content))
    done = python(str(TEMPLATE / "plot.py"), cwd=folder)
    assert done.returncode == 0, done.stderr


def test_figures_are_vector_with_embedded_truetype_fonts(tmp_path: Path) -> None:
    plot(tmp_path, evidence())
    for name in ("tradeoff", "consistency"):
        pdf = (tmp_path / "figures" / f"{name}.pdf").read_bytes()
        assert b"/FontFile2" in pdf
        assert b"/Type3" not in pdf
        assert (tmp_path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_test_split_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    (tmp_path / "one").mkdir()
    content = evidence()
    plot(tmp_path / "both", content)
    plot(tmp_path / "one", {"entries": [entry for entry in content["entries"] if entry["split"] == "test"]})
    pictures = [(tmp_path / folder / "figures" / "tradeoff.png").read_bytes() for folder in ("both", "one")]
    assert pictures[0] == pictures[1]


def test_a_missing_interval_is_drawn_as_a_bare_point(tmp_path: Path) -> None:
    content = evidence()
    for item in content["entries"]:
        item["interval"] = None
    plot(tmp_path, content)
    assert (tmp_path / "figures" / "consistency.png").stat().st_size > 5000
