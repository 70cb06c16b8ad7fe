from __future__ import annotations

import json
from pathlib import Path

from conftest import TEMPLATE, job_content, python, write_job


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
