"""`launch.py evaluate` on the folder of an idea, with a setting that has a small benchmark of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.evaluating import Evaluated, Evaluations
from tests.conftest import QUICK, ROOT

# Says what it was given and what it can see; each of its hosts answers whether a path exists where that runs.
PROGRAM = """
import argparse, json, os, socket, sys
from pathlib import Path

parser = argparse.ArgumentParser()
for flag in ("--run", "--part", "--out", "--data"):
    parser.add_argument(flag, type=Path)
parser.add_argument("--evaluations", default="norm")
parser.add_argument("--artefacts", default="")
parser.add_argument("--saelens", action="store_true")
given = parser.parse_args()
names = given.evaluations.split(",")
if "sorcery" in names:
    sys.exit(sys.stderr.write("--evaluations sorcery: there is none of this name\\n") and 2)
if "crash" in names:
    raise MemoryError("too large")
seen = []
for number in os.environ["GROUNDWORK_BESIDE"].split(","):
    host = socket.socket(fileno=int(number))
    host.sendall(f"{given.run}\\n".encode())
    seen.append(host.recv(9).decode())
found = {}
for artefact in given.artefacts.split(","):
    if given.saelens:
        (given.out / "saelens" / artefact).mkdir(parents=True)
        (given.out / "saelens" / artefact / "cfg.json").write_text("{}")
    weights = (given.run / artefact / "weights.npy").stat().st_size
    norm = {"part": given.part.name, "hosts": seen, "data": given.data and (given.data / "words").read_text()}
    ran = {"status": "ran", "why": "", "note": "of no use", "main": {"bytes": weights}, "results": norm}
    failed = {"status": "failed", "why": "ValueError: it is\\x1b[2J broken"}
    skipped = {"status": "skipped", "why": "not asked for"}
    found[artefact] = {"norm": ran if "norm" in names else skipped, "other": failed if "other" in names else skipped}
(given.out / "log.txt").write_text("done")
(given.out / "saebench.json").write_text(json.dumps(found))
"""
HOST = """
import os, socket
grader = socket.socket(fileno=0)
path = grader.recv(4096).decode().strip()
grader.sendall(b"sees it" if os.path.exists(path) else b"blind")
grader.recv(1)
"""


@pytest.fixture(scope="module")
def benchmarked(tmp_path_factory):
    """The quick idea in a setting that has `evaluate` and `host`, up to its figures, for which there is no answer."""
    root = tmp_path_factory.mktemp("benchmarked")
    shutil.copytree(QUICK / "quick_fit", root / "quick_fit")
    shutil.copy(QUICK / "quick_momentum.json", root)
    header, *answers = (QUICK / "quick_momentum.session.jsonl").read_text().splitlines(keepends=True)
    answers = [line for line in answers if json.loads(line)["stage"] in ("plan", "edit", "record")]
    (root / "quick_momentum.session.jsonl").write_text("".join([header, *answers]))
    (root / "quick_fit/quick_fit/bench.py").write_text(PROGRAM)
    (root / "quick_fit/quick_fit/host.py").write_text(HOST)
    described = root / "quick_fit/template.toml"
    programs = '[commands]\nevaluate = ["-m", "quick_fit.bench"]\nhost = ["-m", "quick_fit.host"]\n'
    described.write_text(described.read_text().replace("[commands]\n", programs))
    flags = ("--idea", root / "quick_momentum.json", "--runs", root / "runs", "--fresh-baseline")
    command = [sys.executable, ROOT / "launch.py", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "no answer for stage" in done.stderr
    return root


@pytest.fixture
def begun(benchmarked, tmp_path) -> Path:
    """A copy of the folder, which a test may change."""
    (folder,) = (benchmarked / "runs").iterdir()
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def kept(folder: Path, run: str = "run_0") -> dict:
    return json.loads((folder / "evaluations" / run / "saebench.json").read_text())


def test_every_accepted_run_is_evaluated_on_dev_and_its_results_are_kept(launch, begun):
    before = {path: path.read_bytes() for path in begun.glob("*.json*")}
    done = launch("evaluate", begun)
    assert done.returncode == 0, done.stderr
    runs = sorted(path.name for path in begun.glob("run_*"))
    assert sorted(path.name for path in (begun / "evaluations").iterdir()) == runs
    seed = json.loads((begun / "run_0/job.json").read_text())["seeds"][0]
    conditions = json.loads((begun / "run_0/final_info.json").read_text())
    assert set(kept(begun)) == {f"{condition}/seed_{seed}" for condition in conditions}
    for entries in kept(begun).values():
        assert entries["norm"]["results"] == {"part": "dev", "hosts": ["blind", "blind"], "data": None}
    assert (begun / "evaluations/run_0/log.txt").read_text() == "done"
    lines = done.stdout.splitlines()
    table = [line.split() for line in lines if line.startswith("run_")]
    size = (begun / "run_0" / sorted(kept(begun))[0] / "weights.npy").stat().st_size
    assert ["run_0", sorted(kept(begun))[0], "norm", "ran", "bytes", str(size)] in table
    assert {row[0] for row in table} == set(runs)
    assert "note    norm: of no use" in lines
    assert lines[-1].startswith("exploratory: ")
    assert {path: path.read_bytes() for path in begun.glob("*.json*")} == before


def test_a_second_time_adds_to_what_was_found_the_first(launch, begun, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/words").write_text("some")
    first = launch("evaluate", begun, "--data", tmp_path / "data")
    assert first.returncode == 0, first.stderr
    flags = ("--evaluations", "other", "--all-seeds", "--saelens", tmp_path / "out", "--json")
    done = launch("evaluate", begun, *flags)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["runs"]["run_0"] == kept(begun)
    assert printed["failed"] == {}
    seeds = json.loads((begun / "run_0/job.json").read_text())["seeds"]
    for artefact, entries in kept(begun).items():
        assert entries["other"]["status"] == "failed"
        again = artefact.endswith(f"_{seeds[0]}")
        assert entries["norm"]["status"] == ("ran" if again else "skipped")
        assert entries["norm"]["results"].get("data") == ("some" if again else None)
        assert (tmp_path / "out/run_0" / artefact / "cfg.json").is_file()
    assert {name.partition("/seed_")[2] for name in kept(begun)} == set(map(str, seeds))
    assert not (begun / "evaluations/run_0/saelens").exists()


def test_what_failed_is_shown_with_its_reason_and_no_control_character(launch, begun):
    done = launch("evaluate", begun, "--evaluations", "other")
    assert done.returncode == 0, done.stderr
    assert "failed  ValueError: it is [2J broken" in done.stdout
    assert "skipped norm (" in done.stdout


def test_a_changed_run_or_a_failing_program_is_told_and_the_others_go_on(launch, begun):
    weights = next((begun / "run_1").rglob("weights.npy"))
    weights.write_bytes(weights.read_bytes() + b"x")
    done = launch("evaluate", begun)
    assert done.returncode == 1
    assert "run_1   failed  " in done.stdout
    assert "changed since run_1 was graded" in done.stdout
    assert (begun / "evaluations/run_0/saebench.json").is_file()
    assert not (begun / "evaluations/run_1").exists()
    crashed = launch("evaluate", begun, "--evaluations", "crash")
    assert crashed.returncode == 1
    assert "run_0   failed  the template's program failed (1): MemoryError: too large" in crashed.stdout
    assert next(iter(kept(begun).values()))["norm"]["status"] == "ran"


def test_bad_input_is_refused_with_what_to_do(launch, begun, quick_run):
    for arguments, message in (
        ((begun, "--evaluations", "sorcery"), "--evaluations sorcery: there is none of this name"),
        ((begun, "--data", begun / "nowhere"), "nowhere: --data wants a folder of data sets"),
        ((quick_run,), "template.toml: field commands.evaluate: this template has no such program"),
    ):
        done = launch("evaluate", *arguments)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr


def test_a_template_that_changed_since_is_warned_of(launch, begun, benchmarked):
    prompt = benchmarked / "quick_fit/prompt.md"
    before = prompt.read_text()
    prompt.write_text(f"{before}\nA sentence more.\n")
    done = launch("evaluate", begun)
    prompt.write_text(before)
    assert done.returncode == 0, done.stderr
    assert "changed since these runs were graded" in done.stderr
    assert "warning" not in launch("evaluate", begun).stderr


def test_what_was_tried_before_stands_where_it_was_skipped_now():
    ran, failed, skipped = (Evaluated(status=status, why=status) for status in ("ran", "failed", "skipped"))
    before = Evaluations({"a/seed_1": {"x": ran, "y": ran, "z": skipped}, "b/seed_1": {"x": failed}})
    now = Evaluations({"a/seed_1": {"x": skipped, "y": failed, "z": ran}})
    assert now.over(before).root == {"a/seed_1": {"x": ran, "y": failed, "z": ran}, "b/seed_1": {"x": failed}}
