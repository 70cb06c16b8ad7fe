from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from temporal_sae.fetch import Package, download, extract_documents, is_document
from temporal_sae.hub import FetchError


def test_only_prose_is_taken() -> None:
    wanted = [("docs", "index.txt"), ("docs", "ref", "a.txt")]
    others = [("docs", "_theme", "x", "LICENSE.txt"), ("docs", "requirements.txt"), ("src", "a.txt"), ("docs", "a.py")]
    assert [is_document(parts) for parts in wanted + others] == [True, True, False, False, False, False]


def test_documents_are_extracted_one_file_each_and_nothing_escapes(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    names = ("P-1/docs/ref/a.txt", "P-1/docs/../../evil.txt", "P-1/LICENSE", "P-1/code.py", "P-1/docs/_theme/b.txt")
    with tarfile.open(archive, "w:gz") as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            made.addfile(info, io.BytesIO(name.encode()))
    extract_documents(archive, tmp_path / "out")
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["ref/a.txt"]
    assert (tmp_path / "out" / "LICENSE").is_file()
    assert not (tmp_path / "evil.txt").exists()


def test_a_file_other_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "tinypack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("tinypack-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n")
        made.writestr("tinypack-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr("tinypack-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "got").mkdir()
    with pytest.raises(FetchError, match="not the pinned one"):
        download(Package("tinypack==1.0", (), "0" * 64), tmp_path / "got")
    with pytest.raises(FetchError, match="could not download absent"):
        download(Package("absent==1.0", (), "0" * 64), tmp_path / "got")
