from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from temporal_sae.storage import UnreadableError, publish, read_untrusted, write_json


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        (draft / "half").write_text("x")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        publish(tmp_path / "made", fail)
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_producers_wins(tmp_path: Path) -> None:
    final = tmp_path / "made"

    def slower(draft: Path) -> None:
        (draft / "who").write_text("slower")
        publish(final, lambda other: (other / "who").write_text("faster"))

    publish(final, slower)
    assert (final / "who").read_text() == "faster"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_json_is_strict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    write_json(tmp_path / "a.json", {"x": None})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None}


def test_untrusted_files_are_regular_small_and_reached_without_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"12345")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "real" / "file")
    os.mkfifo(tmp_path / "real" / "fifo")
    assert read_untrusted(tmp_path, "real/file", 5) == b"12345"
    for relative, limit in (("real/file", 4), ("linked/file", 9), ("real/link", 9), ("real/fifo", 9), ("real/no", 9)):
        with pytest.raises(UnreadableError):
            read_untrusted(tmp_path, relative, limit)
