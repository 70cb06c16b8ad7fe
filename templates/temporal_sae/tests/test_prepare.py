from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TEMPLATE
from model_families import FAMILIES, own_profile, save_model, texts, write_profile
from temporal_sae.activations import DTYPE, ResidualStream, compute
from temporal_sae.prepare import prepare
from temporal_sae.store import NoSpaceError

DIES = """
import os
from temporal_sae import prepare
from temporal_sae.activations import ResidualStream
whole, calls = ResidualStream.activations, []
def dies(self, tokens_BT):
    calls.append(1)
    if len(calls) > int(os.environ["CALLS"]):
        os._exit(9)
    return whole(self, tokens_BT)
ResidualStream.activations = dies
prepare.main()
"""


def flags(profile: dict[str, Any], root: Path, out: str = "out") -> tuple[str, ...]:
    (root / out).mkdir(exist_ok=True)
    path = write_profile(root / out, profile)
    return ("--profile", str(path), "--cache", str(root / "cache"), "--out", str(root / out))


def prepared(profile: dict[str, Any], root: Path, out: str = "out") -> dict[str, Path]:
    prepare(profile, root / "cache", root / out)
    parts = json.loads((root / out / "parts.json").read_text())["parts"]
    return {part: Path(folder) for part, folder in parts.items()}


def progress(root: Path, out: str = "out") -> list[dict[str, Any]]:
    path = root / out / "progress.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def arrays(parts: dict[str, Path]) -> dict[str, np.ndarray]:
    return {part: np.load(folder / "x.npy") for part, folder in parts.items()}


def test_a_named_model_and_a_folder_of_pages_are_prepared_once_and_found_again(tmp_path: Path) -> None:
    save_model(tmp_path / "cache/models/tiny")
    (tmp_path / "cache/models/tiny/weights.sha256").write_text("0" * 64)
    (tmp_path / "cache/text/pages").mkdir(parents=True)
    for number, text in enumerate(texts(200)):
        (tmp_path / f"cache/text/pages/page{number}.txt").write_text(text)
    sizes = {"train_sequences": 40, "tune_sequences": 3, "dev_sequences": 5, "test_sequences": 5}
    profile = {"name": "t", "model": "tiny", "text": "pages", "layer": 1, "context": 6, **sizes}
    parts = prepared(profile, tmp_path)
    x = arrays(parts)
    assert {part: array.shape for part, array in x.items()} == {
        "train": (40, 6, 16),
        "tune": (3, 6, 16),
        "dev": (5, 6, 16),
        "test": (5, 6, 16),
    }
    assert np.linalg.norm(x["train"].astype(np.float32), axis=-1).mean() == pytest.approx(4.0, rel=1e-3)
    assert progress(tmp_path)[-1] == {"what": "activations", "done": 53, "total": 53}
    times = {part: (folder / "x.npy").stat().st_mtime_ns for part, folder in parts.items()}
    assert prepared(profile, tmp_path) == parts
    assert times == {part: (folder / "x.npy").stat().st_mtime_ns for part, folder in parts.items()}


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "gpt2"])
def test_a_users_own_model_and_text_give_tokens_and_places_for_each_activation(family: str, tmp_path: Path) -> None:
    profile = own_profile(tmp_path, family)
    parts = prepared(profile, tmp_path)
    meta = json.loads((parts["dev"] / "meta.json").read_text())
    assert (meta["model_folder"], meta["layer"], meta["start_token"]) == (profile["model"], 1, 1)
    tokens_NT = np.load(parts["dev"] / "tokens.npy")
    names = json.loads((parts["dev"] / "documents.json").read_text())
    stream = ResidualStream(Path(profile["model"]), 1)
    pages = {f"page{n}": stream.encode(text) for n, text in enumerate(texts(400))}
    places = zip(np.load(parts["dev"] / "documents.npy"), np.load(parts["dev"] / "positions.npy"), strict=True)
    assert [pages[names[d]][at : at + 6] for d, at in places] == tokens_NT.tolist()
    x_NTD = compute(stream, tokens_NT, lambda count: None)
    assert np.array_equal((x_NTD * np.float32(meta["scale"])).astype(DTYPE), np.load(parts["dev"] / "x.npy"))


@pytest.mark.parametrize("calls", [9, 11])
def test_what_a_killed_process_computed_is_not_computed_again(calls: int, tmp_path: Path) -> None:
    profile = own_profile(tmp_path)
    env = {"PYTHONPATH": str(TEMPLATE), "CALLS": str(calls), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", DIES, *flags(profile, tmp_path)]
    assert subprocess.run(command, env=env, check=False, capture_output=True).returncode == 9
    assert not (tmp_path / "out/parts.json").exists()
    computed = len(progress(tmp_path))
    parts = prepared(profile, tmp_path)
    # 300 sequences of train are 8 batches of a whole chunk and 2 of a rest; the other parts are one batch each
    again = len(progress(tmp_path)) - computed
    assert again == {9: 13 - 8, 11: 13 - 11}[calls]
    (tmp_path / "fresh").mkdir()
    fresh = prepared(own_profile(tmp_path / "fresh"), tmp_path / "fresh")
    assert all(
        np.array_equal(one, other) for one, other in zip(arrays(parts).values(), arrays(fresh).values(), strict=True)
    )
    assert not (parts["train"].parent / ".sample").exists()


def test_of_two_processes_at_once_one_computes_and_both_have_it(tmp_path: Path) -> None:
    profile = own_profile(tmp_path)
    env = {"PYTHONPATH": str(TEMPLATE), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    commands = [(sys.executable, "-m", "temporal_sae.prepare", *flags(profile, tmp_path, out)) for out in ("a", "b")]
    both = [subprocess.Popen(command, env=env) for command in commands]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    computed = [len([line for line in progress(tmp_path, out) if line["what"] == "activations"]) for out in ("a", "b")]
    assert sorted(computed) == [0, 13]
    assert (tmp_path / "a/parts.json").read_text() == (tmp_path / "b/parts.json").read_text()


def test_an_older_store_gets_what_it_lacks_and_keeps_its_activations(tmp_path: Path) -> None:
    profile = own_profile(tmp_path)
    parts = prepared(profile, tmp_path)
    whole = {folder: (folder / "tokens.npy").read_bytes() for folder in parts.values()}
    inodes = {folder: (folder / "x.npy").stat().st_ino for folder in parts.values()}
    for folder in parts.values():
        for name in ("tokens.npy", "documents.npy", "positions.npy", "documents.json"):
            (folder / name).unlink()
        meta = json.loads((folder / "meta.json").read_text())
        kept = {
            key: meta[key] for key in meta if not key.endswith("sha256") or key in ("model_sha256", "corpus_sha256")
        }
        (folder / "meta.json").write_text(json.dumps(kept))
    lines = len(progress(tmp_path))
    assert prepared(profile, tmp_path) == parts
    assert len(progress(tmp_path)) == lines
    assert whole == {folder: (folder / "tokens.npy").read_bytes() for folder in parts.values()}
    assert inodes == {folder: (folder / "x.npy").stat().st_ino for folder in parts.values()}


def test_parts_beyond_the_cap_leave_only_the_first_of_train(tmp_path: Path) -> None:
    # 313 sequences of 6 tokens are 60 kB
    profile = own_profile(tmp_path, disk_cap_gb=55_000 / 2**30)
    parts = prepared(profile, tmp_path)
    stored = prepared({**profile, "disk_cap_gb": 1}, tmp_path)
    assert stored["train"].parent != parts["train"].parent
    assert np.array_equal(np.load(parts["train"] / "x.npy"), np.load(stored["train"] / "x.npy")[:256])
    assert np.load(parts["train"] / "tokens.npy").shape == (300, 6)
    assert json.loads((parts["train"] / "streamed.json").read_text()) == {"sequences": 300}
    assert not (parts["dev"] / "streamed.json").exists()


def test_no_cap_for_all_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    profile = own_profile(tmp_path, disk_cap_gb=70_000 / 2**30)
    prepared(profile, tmp_path)
    with pytest.raises(NoSpaceError, match=f"{tmp_path}/cache/activations: .*delete folders"):
        prepare({**profile, "layer": 2}, tmp_path / "cache", tmp_path / "out")
