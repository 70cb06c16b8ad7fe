"""The bundled idea, whole, on the real model and text, at the scale of the smoke profile."""

import json
import statistics
import subprocess
import sys

import pytest
from pypdf import PdfReader

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The finished idea folder."""
    runs = tmp_path_factory.mktemp("runs")
    flags = ["--idea", "adaptive_temporal_sae", "--profile", "smoke", "--runs", str(runs), "--fresh-baseline"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), *flags], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    (made,) = runs.iterdir()
    said, audit = done.stdout.strip().splitlines()
    assert said == f"done: {made}  paper: {made}/paper.pdf"
    assert audit.startswith("audit: 0 errors")
    assert audit.endswith(" 0 sentences struck out")
    return made


def info(folder, run, part="final"):
    return json.loads((folder / run / f"{part}_info.json").read_text())


def test_the_baseline_is_a_curve_of_five(folder):
    curve = info(folder, "run_0")
    assert len(curve) == 5
    l0 = [curve[name]["means"]["l0"] for name in sorted(curve)]
    assert l0 == sorted(l0, reverse=True)


def test_the_control_gets_the_mean_alpha_from_the_job_and_not_from_a_text(folder):
    reported = info(folder, "run_1")["adaptive"]["self_reported"]["mean_alpha"]
    assert all(0.5 <= value <= 1 for value in reported)
    assert info(folder, "run_3")["fixed_at_mean"]["config"]["alpha"] == pytest.approx(statistics.fmean(reported))


def test_the_runs_trained_and_left_weights_and_an_encoder(folder):
    for seed in json.loads((folder / "run_1" / "job.json").read_text())["seeds"]:
        artefact = folder / "run_1" / "adaptive" / f"seed_{seed}"
        assert (artefact / "weights.safetensors").stat().st_size > 5_000_000
        assert "def encode" in (artefact / "encoder.py").read_text()


def test_dev_and_test_are_other_text(folder):
    assert info(folder, "run_1")["adaptive"]["means"] != info(folder, "run_1", "test")["adaptive"]["means"]


def test_a_crash_and_a_no_op_are_kept_as_attempts(folder):
    assert "KeyError: 'loss_max'" in (folder / "attempts/run_1.1/stderr.log").read_text()
    assert "no-edit" in (folder / "attempts/run_2.1/run.json").read_text()


def test_the_paper_says_how_it_was_made_and_prints_values(folder):
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(folder / "paper.pdf").pages]
    assert "Scripted answers" in pages[0]
    assert "±" in "".join(pages)
    assert "??" not in "".join(pages)
