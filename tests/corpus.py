"""Reads an ancestor's idea folders as the gate sees runs. Their JSON has about thirty shapes; none is ours.

A run is one condition with one seed. A metric is a result's name; where a file has it several times, their sum stands
for all of them. What a run says of its training is self-reported, model, layer and dictionary are its settings. Of the
training stub's defaults (README there) nothing is believed where an evaluation says otherwise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.evidence.facts import GradedRun, RunFacts
from orchestrator.records import Condition, Evidence, FinalInfo, MetricSpec, PlannedRun

NO_RESULTS = {"config", "eval_config", "eval_cfg", "sae_cfg_dict", "cfg_dict", "sae_cfg", "token_stats"}
NO_RESULT = re.compile(
    r"(^|_)(steps?|seed|lr|rate|id|layer|size|epoch|millis|version|dim|tokens?|penalty|final_loss)(_|$)|^d_|token_stat"
)
CORE = {"explained_variance", "mse", "cossim", "ce_loss_score", "kl_div_score", "l0", "l1"}
STUB = {"layer": "layer", "dict_size": "d_sae"}
GRADED = {"hook_layer": "layer", "d_sae": "d_sae", "model_name": "model"}
RELEASE = re.compile(r"_layer_(\d+)_")


def runs_of(folder: Path) -> Iterator[tuple[GradedRun, GradedRun]]:
    """Yield each numbered run of an idea folder, in order, with the folder's baseline."""
    base = baseline(folder)
    paths = sorted(folder.glob("run_[1-9]*/final_info.json"), key=lambda path: int(path.parent.name[4:]))
    for path in paths:
        yield read(path), base


def read(path: Path) -> GradedRun:
    """Return one run; NaN becomes None, which equals itself."""
    value = json.loads(path.read_text())
    metrics, loss = results(value), leaves(value, "final_loss")
    steps = leaves(value, "training_steps")
    if loss and steps and min(steps) > 0:
        metrics["final_loss"] = finite(loss[0])
    config = {name: "|".join(sorted(found)) for name, found in settings(value).items()}
    condition = Condition(
        means={},
        stderrs={},
        final_info_dict={name: [number] for name, number in metrics.items()},
        config={**config, **({"training_steps": min(steps)} if steps else {})},
        self_reported={"final_loss": [finite(loss[0])]} if loss else {},
    )
    name = path.parent.name
    planned = PlannedRun(name=name, goal="Unknown.")
    return GradedRun(name, planned, FinalInfo({"run": condition}), RunFacts(seeds=(1,)))


def baseline(folder: Path) -> GradedRun:
    """Return run_0 with a condition for each block, since one file may mix layers and sizes."""
    found = {}
    for path in sorted((folder / "run_0").glob("final_info*.json")):
        value = json.loads(path.read_text())
        own = settings(value)
        for name, part in value.items() if all(isinstance(v, dict) for v in value.values()) else [("", value)]:
            config = {key: "|".join(sorted(held)) for key, held in {**own, **settings(part)}.items()}
            measured = {metric: [number] for metric, number in results(part).items()}
            found[f"{path.stem} {name}"] = Condition(means={}, stderrs={}, final_info_dict=measured, config=config)
    return GradedRun("run_0", None, FinalInfo(found), RunFacts(seeds=(1,)))


def declared(run: GradedRun, base: GradedRun) -> Evidence:
    """Return what a template for these runs would declare: the metrics found, and the settings that both sides know."""
    metrics = run.info.root["run"].final_info_dict or {"any_result": []}
    specs = tuple(MetricSpec(name=name, words=name, direction="none", primary=name in CORE) for name in metrics)
    ours = run.info.root["run"].config.keys() & {"model", "layer", "d_sae"}
    theirs = [condition.config.keys() for condition in base.info.root.values()]
    equal = tuple(name for name in sorted(ours) if any(name in known for known in theirs))
    return Evidence(entries=(), runs={}, settings={}, counts={}, hypotheses=(), metrics=specs, equal_settings=equal)


def results(value: object) -> dict[str, float | None]:
    """Return the sum of each result by name."""
    found: dict[str, list[float]] = {}
    for path, number in numbers(value):
        if not NO_RESULTS & set(path[:-1]) and not NO_RESULT.search(path[-1]):
            name = "m_" + re.sub(r"[^a-z0-9]+", "_", path[-1].lower())[:36]
            found.setdefault(name if path[-1].lower() not in CORE else path[-1].lower(), []).append(number)
    return {name: finite(math.fsum(held)) for name, held in found.items()}


def settings(value: object) -> dict[str, set[str]]:
    """Return model, layer and dictionary size: of the evaluations where they say so, else of the training stub."""
    held: dict[str, set[str]] = {}
    stub: dict[str, set[str]] = {}
    for path, text in texts(value):
        release = RELEASE.search(text)
        if path[-1] in GRADED:
            held.setdefault(GRADED[path[-1]], set()).add(text.rpartition("/")[2].removesuffix("-it"))
        elif release and path[-1] in {"sae_set", "sae_lens_release_id"}:
            held.setdefault("layer", set()).add(release[1])
        elif path[-1] in STUB:
            stub.setdefault(STUB[path[-1]], set()).add(text)
    return {**stub, **held}


def leaves(value: object, name: str) -> list[float]:
    """Return every number (NaN for a null) under the key `name`."""
    return [
        float("nan") if found in (None, "None") else float(found)
        for path, found in walk(value)
        if path[-1] == name and (found is None or isinstance(found, int | float))
    ]


def numbers(value: object) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield path and number of every number that is no truth value."""
    for path, found in walk(value):
        if isinstance(found, int | float) and not isinstance(found, bool):
            yield path, float(found)


def texts(value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and text of every leaf."""
    for path, found in walk(value):
        yield path, str(found)


def walk(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every leaf with the keys that lead to it; positions in a list are no keys."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, path)
    elif path:
        yield path, value


def finite(number: float) -> float | None:
    """Return a number, or None for one that is not finite."""
    return number if math.isfinite(number) else None
