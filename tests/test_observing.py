"""What is seen of a run from outside."""

import json
import os

from orchestrator.evidence.facts import Counter
from orchestrator.observing import artefacts, changed, counters, set_aside


def progress(folder, *lines):
    (folder / "progress.jsonl").write_text("".join(f"{line}\n" for line in lines))


def line(step, condition="a", seed=1):
    return json.dumps({"condition": condition, "seed": seed, "step": step})


def test_counters_are_by_training(tmp_path):
    progress(tmp_path, line(10), line(20), line(30), line(50, seed=2))
    assert counters(tmp_path) == {"a/1": Counter(last=30, gap=10), "a/2": Counter(last=50, gap=50)}


def test_a_training_that_begins_again_is_counted(tmp_path):
    progress(tmp_path, line(10), line(20), line(10), line(20), line(20), line(30), line(5, "b" * 1000))
    assert counters(tmp_path) == {
        "a/1": Counter(last=30, gap=10, trainings=3),
        f"{'b' * 80}/1": Counter(last=5, gap=5),
    }


def test_lines_of_another_form_count_for_nothing(tmp_path):
    progress(tmp_path, "[" * 9999, "3", "{", '{"step": "ten"}', line(-5), line(10))
    assert counters(tmp_path) == {"a/1": Counter(last=10, gap=10)}
    (tmp_path / "progress.jsonl").unlink()
    os.mkfifo(tmp_path / "progress.jsonl")
    assert counters(tmp_path) == {}


def test_names_of_ours_are_set_aside_and_no_link_is_followed(tmp_path):
    run, treasure = tmp_path / "run", tmp_path / "treasure"
    run.mkdir()
    treasure.write_text("mine")
    (run / "final_info.json").write_text("{}")
    (run / "test_info.json").symlink_to(treasure)
    run.chmod(0o500)
    claimed = set_aside(run)
    assert sorted(claimed) == ["final_info.json", "test_info.json"]
    assert claimed["final_info.json"] != ""
    assert claimed["test_info.json"] == ""
    assert not {"final_info.json", "test_info.json"} & {path.name for path in run.iterdir()}
    assert len(list(run.iterdir())) == 2
    assert treasure.read_text() == "mine"


def test_artefacts_are_what_lies_in_folders(tmp_path):
    (tmp_path / "arm" / "seed_1").mkdir(parents=True)
    (tmp_path / "arm" / "seed_1" / "weights").write_bytes(b"w")
    (tmp_path / "arm" / "link").symlink_to("seed_1/weights")
    (tmp_path / "stdout.log").write_text("x")
    assert list(artefacts(tmp_path, 10)) == ["arm/seed_1/weights"]


def test_changes_are_new_lost_and_other_files():
    assert changed({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == ("b", "c", "d")
