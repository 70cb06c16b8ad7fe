from __future__ import annotations

import json
import shutil
import socket
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TEMPLATE, python
from safetensors.torch import load_file, save_file
from temporal_sae.checks import UngradableError
from temporal_sae.grade import Exam, grade, read_record, standard_error, summarise
from temporal_sae.storage import UnreadableError

Joined = Callable[[], socket.socket]
SEED = "l1=0.00158/seed_4"


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy with one condition, which a test may spoil."""
    copy = tmp_path / "run_0"
    shutil.copytree(finished_run, copy)
    for folder in copy.glob("l1=*"):
        if folder.name != "l1=0.00158":
            shutil.rmtree(folder)
    return copy


def spoil_encoder(run: Path, body: str) -> None:
    standard = "f = torch.relu((x_BTD - weights['b_dec']) @ weights['W_enc'])"
    source = f"import torch\n\ndef encode(x_BTD, weights):\n    {standard}\n    {body}\n"
    (run / SEED / "encoder.py").write_text(source)


def test_round_trip_from_the_command_line(
    finished_run: Path, graded_part: Path, joined: Joined, tmp_path: Path
) -> None:
    before = sorted(path.relative_to(finished_run) for path in finished_run.rglob("*"))
    flags = ("--run", str(finished_run), "--part", str(graded_part), "--out", str(tmp_path))
    hosts = (joined().fileno(), joined().fileno())
    done = python("-m", "temporal_sae.grade", *flags, cwd=tmp_path, sockets=hosts)
    assert done.returncode == 0, done.stderr
    info = json.loads((tmp_path / "final_info.json").read_text())
    assert len(info) == 5
    entry = info["l1=0.00158"]
    assert set(entry) == {"means", "stderrs", "final_info_dict", "config", "self_reported"}
    assert entry["config"]["l1"] == 0.00158
    assert len(entry["self_reported"]["mean_reconstruction"]) == 2
    assert entry["final_info_dict"]["mse"] == [
        pytest.approx(expected_mse(finished_run, graded_part, s)) for s in (3, 4)
    ]
    assert sorted(path.relative_to(finished_run) for path in finished_run.rglob("*")) == before


def expected_mse(run: Path, part: Path, seed: int) -> float:
    """The error, computed with numpy alone."""
    weights = {
        name: tensor.numpy() for name, tensor in load_file(run / f"l1=0.00158/seed_{seed}/weights.safetensors").items()
    }
    x = np.load(part / "x.npy").astype(np.float32)
    codes = np.maximum(0, (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"])
    codes = torch.from_numpy(codes).bfloat16().float().numpy()
    return float(((x - codes @ weights["W_dec"] - weights["b_dec"]) ** 2).mean())


STATE = "torch.kept = getattr(torch, 'kept', []); torch.kept.append(x_BTD); "


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return f + f.flip(1) * 0.1", "not a causal encoder"),
        ("return f * x_BTD.abs().sum()", "not a causal encoder"),
        ("return f + 0.1 * torch.roll(f, -1, dims=1)", "not a causal encoder"),
        ("return f * torch.rand(())", "when it was asked again"),
        (STATE + "return f * (1 + len(torch.kept) % 2)", "when it was asked again"),
        (STATE + "return f + 0.1 * torch.kept[max(0, len(torch.kept) - 2)].abs().mean()", "when it was asked again"),
        # A look ahead that remembers what it said: the second process has never seen how the sequences went on.
        (
            STATE + "seen = [x for x in torch.kept if x[0, :2].equal(x_BTD[0, :2])][0][:, -1:]; "
            "return f + 0.1 * seen.abs().mean()",
            "not a causal encoder",
        ),
        ("return f[:, :-1]", "codes a token"),
        ("return f / 0", "not finite"),
    ],
)
def test_a_cheating_encoder_is_refused_by_name(run: Path, exam: Exam, body: str, message: str) -> None:
    spoil_encoder(run, body)
    with pytest.raises(UngradableError, match=message) as caught:
        grade(run, exam)
    assert str(caught.value).splitlines()[-1].startswith(SEED)


def test_activations_in_the_codes_mantissas_come_to_nothing(run: Path, exam: Exam) -> None:
    """Two values in one code, one in the high digits and one in the low: a linear decoder can't take them apart."""
    packing = "even, odd = x_BTD[..., ::2], x_BTD[..., 1::2]; "
    packing += "f[:] = 0; f[..., :6] = (even * 64).round() + (odd / 64).clamp(-0.4, 0.4); return f"
    spoil_encoder(run, packing)
    per_seed = grade(run, exam)["l1=0.00158"]["final_info_dict"]["explained_variance"]
    assert per_seed[1] < 0 < 1 > per_seed[0]


def test_weights_of_another_seed_or_of_none_are_refused(run: Path, exam: Exam) -> None:
    shutil.copy(run / "l1=0.00158/seed_3/weights.safetensors", run / SEED / "weights.safetensors")
    with pytest.raises(UngradableError, match="not trained from the start that seed 4 gives"):
        grade(run, exam)


def test_text_remembered_in_the_artefact_does_not_fit(run: Path, exam: Exam) -> None:
    weights = load_file(run / SEED / "weights.safetensors")
    save_file({**weights, "memory": torch.zeros(40_000)}, run / SEED / "weights.safetensors")
    with pytest.raises(UnreadableError, match="weights.safetensors: larger than"):
        grade(run, exam)
    save_file(weights, run / SEED / "weights.safetensors")
    spoil_encoder(run, "return f\n" + "# remembered\n" * 6000)
    with pytest.raises(UnreadableError, match="encoder.py: larger than 65536 bytes"):
        grade(run, exam)


def test_the_metrics_are_those_that_the_template_declares(run: Path, exam: Exam) -> None:
    declared = tomllib.loads((TEMPLATE / "template.toml").read_text())["metrics"]
    entry = grade(run, exam)["l1=0.00158"]
    assert set(entry["means"]) == {metric["name"] for metric in declared}
    assert None not in entry["means"].values()


def test_an_encoder_may_use_earlier_tokens(run: Path, exam: Exam) -> None:
    spoil_encoder(run, "return f + 0.1 * torch.nn.functional.pad(f, (0, 0, 1, 0))[:, :-1]")
    assert grade(run, exam)["l1=0.00158"]["means"]["mse"] > 0


def test_a_missing_seed_exits_1_with_one_last_line(
    run: Path, graded_part: Path, joined: Joined, tmp_path: Path
) -> None:
    shutil.rmtree(run / SEED)
    flags = ("--run", str(run), "--part", str(graded_part), "--out", str(tmp_path))
    hosts = (joined().fileno(), joined().fileno())
    done = python("-m", "temporal_sae.grade", *flags, cwd=tmp_path, sockets=hosts)
    assert done.returncode == 1
    assert SEED in done.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "final_info.json").exists()


def test_a_run_that_left_nothing_is_refused(run: Path, exam: Exam) -> None:
    shutil.rmtree(run / "l1=0.00158")
    with pytest.raises(UngradableError, match="no artefact"):
        grade(run, exam)


def test_a_linked_artefact_is_refused(run: Path, exam: Exam) -> None:
    shutil.rmtree(run / SEED)
    (run / SEED).symlink_to(run / "l1=0.00158" / "seed_3")
    with pytest.raises(UnreadableError, match="not a folder"):
        grade(run, exam)


def test_a_dictionary_of_another_size_is_refused(run: Path, exam: Exam) -> None:
    job = json.loads((run / "job.json").read_text())
    job["profile"]["d_sae"] = 48
    (run / "job.json").write_text(json.dumps(job))
    with pytest.raises(UngradableError, match="no W_dec of shape"):
        grade(run, exam)


def test_records_are_flat_and_non_finite_numbers_become_null(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"alpha": NaN, "beta": -Infinity, "steps": 3, "name": "x", "on": true}')
    expected = {"alpha": None, "beta": None, "steps": 3, "name": "x", "on": True}
    assert read_record(tmp_path, "a.json") == expected
    for text in ("[1]", "{", '{"a": [1]}', '{"a": null}', json.dumps({str(i): i for i in range(65)}), "[" * 60000):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(UngradableError):
            read_record(tmp_path, "a.json")
    assert read_record(tmp_path, "missing.json") == {}


def test_standard_errors_are_those_of_a_sample() -> None:
    assert standard_error([1.0, 2.0, 4.0]) == pytest.approx(np.std([1, 2, 4], ddof=1) / np.sqrt(3))
    assert standard_error([1.0]) is None
    assert standard_error([1.0, None]) is None


def test_only_settings_equal_in_all_seeds_are_kept(run: Path, exam: Exam) -> None:
    (run / SEED / "config.json").write_text('{"l1": 0.5, "steps": 12}')
    (run / SEED / "measured.json").write_text('{"mean_alpha": 0.5}')
    entry = grade(run, exam)["l1=0.00158"]
    assert entry["config"] == {"steps": 12}
    assert entry["self_reported"]["mean_alpha"] == [None, 0.5]


def test_a_summary_of_undefined_values_is_null() -> None:
    from temporal_sae.grade import Graded

    entry = summarise([Graded({"mse": None}, {}, {}), Graded({"mse": 1.0}, {}, {})])
    assert entry["means"] == {"mse": None}
    assert entry["final_info_dict"] == {"mse": [None, 1.0]}
