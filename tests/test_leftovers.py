"""What untrusted code left is read by one function, which nothing that it leaves can fool or hold up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.leftovers import LeftoverRefused, list_leftovers, read_leftover


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("secret")
    root = tmp_path / "run_1"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a.json").write_bytes(b"{}")
    return root


def test_reads_a_regular_file_whole(root):
    assert read_leftover(root, "inner/a.json", 2) == b"{}"
    (root / "empty").touch()
    assert read_leftover(root, "empty", 0) == b""


def test_the_root_itself_may_be_a_link(root):
    root.with_name("named").symlink_to(root)
    assert read_leftover(root.with_name("named"), "inner/a.json", 2) == b"{}"


def refusal(root, relative, limit=100) -> str:
    with pytest.raises(LeftoverRefused) as refused:
        read_leftover(root, relative, limit)
    assert isinstance(refused.value, GroundworkError)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_follows_no_link(root):
    (root / "link").symlink_to("../secret/key.txt")
    (root / "near").symlink_to("inner/a.json")
    (root / "folder").symlink_to("../secret")
    assert refusal(root, "link") == "'link' is a link"
    assert refusal(root, "near") == "'near' is a link"
    assert "behind a link" in refusal(root, "folder/key.txt")


@pytest.mark.parametrize("path", ["../secret/key.txt", "inner/../../secret/key.txt", "", ".", "a\0b"])
def test_refuses_what_is_no_path_below_the_root(root, path):
    assert "no plain relative path" in refusal(root, path)


def test_refuses_an_absolute_path(root):
    assert "no plain relative path" in refusal(root, str(root / "inner" / "a.json"))


def test_refuses_a_file_over_the_cap_without_reading_it(root):
    assert "larger than 1 bytes" in refusal(root, "inner/a.json", 1)
    with (root / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert "larger than" in refusal(root, "sparse")


def test_a_missing_file_is_refused_too(root):
    assert refusal(root, "inner/b.json") == "'inner/b.json' is missing"
    assert refusal(root, "nowhere/b.json") == "'nowhere/b.json' is missing"


def test_never_waits_for_a_fifo_or_a_socket(root):
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        code = """
import sys
from pathlib import Path
from orchestrator.leftovers import *
for name in ("fifo", "socket", "inner"):
    try:
        read_leftover(Path(sys.argv[1]), name, 10)
    except LeftoverRefused as refused:
        print(refused)
"""
        # In a process of its own: one that waits shows as a timeout and not as a test run that never ends.
        shown = subprocess.check_output([sys.executable, "-c", code, str(root)], text=True, timeout=20)
    assert shown.splitlines() == [f"{name!r} is no regular file" for name in ("fifo", "socket", "inner")]


def test_leaves_no_descriptor_open(root):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        read_leftover(root, "inner/a.json", 2)
        refusal(root, "inner")
        refusal(root, "inner/missing")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_lists_regular_files_alone(root):
    (root / "b.npz").touch()
    (root / "link").symlink_to("b.npz")
    (root / "folder").symlink_to("../secret")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "fifo")
    assert list_leftovers(root, 10) == ("b.npz", "inner/a.json")


def test_lists_no_more_than_it_is_allowed_to(root):
    for number in range(5):
        (root / f"folder_{number}").mkdir()
    assert list_leftovers(root, 7) == ("inner/a.json",)
    with pytest.raises(LeftoverRefused, match="more than 6 files"):
        list_leftovers(root, 6)


def test_a_list_survives_folders_nested_deeper_than_any_path(root, monkeypatch):
    monkeypatch.chdir(root)
    for _ in range(25):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    with pytest.raises(LeftoverRefused, match="too long a name"):
        list_leftovers(root, 10_000)


def test_a_name_that_is_no_text_is_refused(root):
    (root / os.fsdecode(b"\xff.bin")).touch()
    with pytest.raises(LeftoverRefused, match="not UTF-8") as refused:
        list_leftovers(root, 10)
    str(refused.value).encode()
