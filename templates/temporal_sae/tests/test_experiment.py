from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import TEMPLATE, job_content, python, write_job
from safetensors.torch import load_file
from temporal_sae.grade import Exam, grade

EXPERIMENT = (TEMPLATE / "experiment.py").read_text()


def test_the_baseline_is_a_curve_of_five_and_leaves_no_final_info(finished_run: Path) -> None:
    assert len(list(finished_run.glob("l1=*/seed_3/weights.safetensors"))) == 5
    assert len(list(finished_run.glob("l1=*/seed_4/encoder.py"))) == 5
    assert not list(finished_run.rglob("final_info.json"))
    last = json.loads((finished_run / "progress.jsonl").read_text().splitlines()[-1])
    assert last["done"] == last["total"] == 5 * 2 * 12


def test_what_ran_is_recorded_for_each_seed(finished_run: Path) -> None:
    config = json.loads((finished_run / "l1=0.00100/seed_3/config.json").read_text())
    assert config["l1"] == 0.001
    assert config["steps"] == 12
    assert "seeds" not in config


def edited(run: Path, *changes: tuple[str, str]) -> None:
    """Write experiment.py beside `run`, with one condition, and each of the changes made once."""
    source = re.sub(r"(CONDITIONS.*?= \{\n)(.*?)(\n\}\n)", r'\1    "arm": {SETTINGS},\3', EXPERIMENT, flags=re.DOTALL)
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    (run.parent / "experiment.py").write_text(source)


@pytest.mark.parametrize(
    ("architecture", "settings", "metrics"),
    [
        ("topk", '"k": 4', {"l0": (3, 4)}),
        ("batch_topk", '"k": 4', {"l0": (2, 8)}),
        ("jump_relu", '"l0_weight": 0.01, "l0_target": 4', {"l0": (1, 24)}),
    ],
)
def test_one_constant_chooses_the_architecture_and_its_artefact_is_graded(
    graded_part: Path,
    exam: Exam,
    tmp_path: Path,
    architecture: str,
    settings: str,
    metrics: dict[str, tuple[float, float]],
) -> None:
    run = tmp_path / "run_1"
    write_job(run, job_content({"train": graded_part, "tune": graded_part}, steps=40))
    edited(run, ("architectures.standard ", f"architectures.{architecture} "), ("SETTINGS", settings))
    done = python("experiment.py", "--out_dir=run_1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    info = grade(run, exam)["arm"]
    assert info["config"]["architecture"] == architecture
    assert info["means"]["explained_variance"] > 0.3
    low, high = metrics["l0"]
    assert low <= info["means"]["l0"] <= high


def test_an_encoder_with_a_convolution_over_past_tokens_is_causal_to_the_grader(
    graded_part: Path, exam: Exam, tmp_path: Path
) -> None:
    run = tmp_path / "run_1"
    write_job(run, job_content({"train": graded_part, "tune": graded_part}, steps=40))
    edited(
        run,
        ("architectures.standard ", "architectures.topk "),
        ("SETTINGS", '"k": 4'),
        ("import mean_squared_error", "import causal_convolution, initial_kernel, mean_squared_error"),
        ("encode(x_BTD, weights)\n", 'encode(causal_convolution(x_BTD, weights["kernel"]), weights)\n'),
        ("    return {}", '    return {"kernel": initial_kernel(3, d_in)}'),
    )
    done = python("experiment.py", "--out_dir=run_1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert grade(run, exam)["arm"]["means"]["explained_variance"] > 0.3
    kernel = load_file(run / "arm" / "seed_3" / "weights.safetensors")["kernel"]
    assert kernel[:2].abs().max() > 1e-3


def test_it_takes_no_other_argument(tmp_path: Path) -> None:
    done = python(str(TEMPLATE / "experiment.py"), "--out_dir=run_0", "--steps=3", cwd=tmp_path)
    assert done.returncode == 2
    assert "unrecognized arguments" in done.stderr


def test_zero_steps_end_with_a_clear_last_line(parts: dict[str, Path], tmp_path: Path) -> None:
    write_job(tmp_path / "run_0", job_content(parts, steps=0))
    done = python(str(TEMPLATE / "experiment.py"), "--out_dir=run_0", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing would be trained" in done.stderr.strip().splitlines()[-1]


def test_it_stays_short() -> None:
    assert len((TEMPLATE / "experiment.py").read_text().splitlines()) <= 150


def test_a_weight_is_tuned_to_a_target_l0_and_the_search_is_on_record(parts: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    write_job(run, job_content(parts, steps=40))
    edited(run, ("SETTINGS", '"l1": Tuned(l0=6.0, low=0.02, high=0.5, trials=5)'))
    done = python("experiment.py", "--out_dir=run_1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    config = json.loads((run / "arm" / "seed_3" / "config.json").read_text())
    assert (config["tuned_setting"], config["tuning_trials"], config["tuning_l0"]) == ("l1", 5, 6.0)
    assert 0.02 <= config["l1"] <= 0.5
    assert config["tuned_l0"] == pytest.approx(6.0, rel=0.03)
    assert not list(run.rglob("*tuning*"))
    last = json.loads((run / "progress.jsonl").read_text().splitlines()[-1])
    assert last["done"] == last["total"] == (5 + 2) * 40
