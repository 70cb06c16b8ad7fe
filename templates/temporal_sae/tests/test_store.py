from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from temporal_sae import store
from temporal_sae.corpus import TokenSequences
from temporal_sae.storage import locked

SHAPE = (600, 4, 8)
X = np.random.default_rng(0).normal(size=SHAPE).astype(np.float16)
TOKENS = TokenSequences(
    tokens_NT=np.arange(2400, dtype=np.int32).reshape(600, 4),
    documents_N=np.zeros(600, dtype=np.int32),
    positions_N=np.arange(0, 2400, 4, dtype=np.int32),
    names=("a",),
)


def finished(root: Path) -> Path:
    draft = store.Draft(root / "key" / "train", SHAPE)
    for index, rows in enumerate(draft.chunks):
        draft.put(index, X[rows])
    draft.finish(TOKENS, {"scale": 1.0})
    return root / "key" / "train"


def test_a_part_is_whole_mapped_and_checked(tmp_path: Path) -> None:
    part = finished(tmp_path)
    assert sorted(path.name for path in part.iterdir()) == [
        *("documents.json", "documents.npy", "meta.json", "positions.npy", "tokens.npy", "x.npy"),
    ]
    assert np.array_equal(np.load(part / "x.npy", mmap_mode="r"), X)
    assert np.load(part / "tokens.npy").dtype == np.int32
    assert len(json.loads((part / "meta.json").read_text())["chunk_sha256"]) == 3
    store.verify(part)


def test_another_attempt_goes_on_after_the_chunks_that_are_there(tmp_path: Path) -> None:
    first = store.Draft(tmp_path / "train", SHAPE)
    first.put(0, X[:256])
    first.put(1, X[256:512])
    again = store.Draft(tmp_path / "train", SHAPE)
    assert sorted(again.sums) == [0, 1]
    assert np.array_equal(again.x_NTD[:512], X[:512])


def test_a_torn_chunk_or_line_does_not_count(tmp_path: Path) -> None:
    first = store.Draft(tmp_path / "train", SHAPE)
    first.put(0, X[:256])
    first.put(1, X[256:512])
    first.x_NTD[300, 0, 0] += 1
    first.x_NTD.flush()
    with (first.folder / "chunks.jsonl").open("a") as lines:
        lines.write('{"chunk": 2, "sha')
    assert sorted(store.Draft(tmp_path / "train", SHAPE).sums) == [0]


@pytest.mark.parametrize("name", ["x.npy", "tokens.npy", "documents.json"])
def test_a_damaged_file_is_found(name: str, tmp_path: Path) -> None:
    part = finished(tmp_path)
    content = bytearray((part / name).read_bytes())
    content[-3] ^= 1
    (part / name).write_bytes(content)
    with pytest.raises(store.DamagedError, match=f"{name}: not what was written there; delete"):
        store.verify(part)


def test_a_large_part_is_checked_by_samples_of_it(tmp_path: Path) -> None:
    part = finished(tmp_path)
    array = np.load(part / "x.npy", mmap_mode="r+")
    array[300] += 1  # in the second of three chunks
    array.flush()
    store.verify(part, limit_bytes=array.nbytes // 2)
    with pytest.raises(store.DamagedError):
        store.verify(part)


def test_the_lock_is_one_processes_at_a_time_and_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time\nfrom temporal_sae.storage import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    waited = []

    def waiting() -> None:
        waited.append(holder.poll())
        holder.kill()
        holder.wait()

    with locked(tmp_path, waiting):
        assert waited == [None]


def test_the_cap_counts_all_keys_and_names_what_to_free(tmp_path: Path) -> None:
    finished(tmp_path)
    used = store.used_bytes(tmp_path)
    store.check_space(tmp_path, "key", used, cap=used)
    with pytest.raises(store.NoSpaceError, match=rf"{tmp_path}.*delete folders.*key \(0\.00 GiB\).*disk_cap_gb"):
        store.check_space(tmp_path, "other", 1000, cap=used + 999)
    store.check_space(tmp_path, "other", 1000, cap=used + 1000)
    assert (tmp_path / "key" / "train" / "x.npy").is_file()


def test_a_full_disk_is_found_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(store.NoSpaceError, match="free on this disk|free some"):
        store.check_space(tmp_path, "key", 1 << 60, cap=1 << 61)
    with pytest.raises(OSError):
        store.Draft(tmp_path / "train", (1 << 40, 64, 64))
    assert not (tmp_path / ".train.draft" / "x.npy").exists()
