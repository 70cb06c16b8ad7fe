"""The hub's file protocol on loopback, with a model of ours behind it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import TEMPLATE
from model_families import save_jsonl, save_model, write_profile
from temporal_sae.sources import model_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_a_token_of_the_users"


class Hub(BaseHTTPRequestHandler):
    """Answers for `org/open`, `org/gated` (with a token alone) and, with 404, for anything else."""

    protocol_version = "HTTP/1.1"
    folder: Path
    seen: list[tuple[str, str]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.seen.append((self.command, self.path))
        repository = "/".join(path.removeprefix("/api/models/").strip("/").split("/")[:2])
        if repository not in ("org/open", "org/gated"):
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif repository == "org/gated" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(403 if self.headers.get("Authorization") else 401, b"{}", {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/api/models/"):
            self.about(repository, path)
        else:
            file = self.folder / path.rpartition("/")[2]
            content = file.read_bytes()
            etag = hashlib.sha256(content).hexdigest()
            self.answer(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})

    def about(self, repository: str, path: str) -> None:
        if "/revision/" in path and path.rpartition("/")[2] not in ("main", COMMIT):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        files = sorted(file for file in self.folder.iterdir() if file.is_file())
        if "/tree/" in path:
            tree = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40} for f in files]
            self.answer(200, json.dumps(tree).encode(), {})
            return
        siblings = [{"rfilename": file.name} for file in files]
        about = {"id": repository, "modelId": repository, "sha": COMMIT, "private": False, "siblings": siblings}
        self.answer(200, json.dumps(about).encode(), {})

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadingHTTPServer]:
    """A hub with one model, which also has weights in a form that is a program."""
    Hub.folder = save_model(tmp_path_factory.mktemp("hub") / "model", "pythia")
    (Hub.folder / "pytorch_model.bin").write_bytes(b"a pickle")
    Hub.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def fetched(root: Path, endpoint: str, token: str | None = None, **keys: Any) -> subprocess.CompletedProcess[str]:
    """Run `fetch` as the orchestrator does; the text is the user's own and there."""
    root.mkdir(exist_ok=True)
    profile = {"model": "org/open", "text": str(save_jsonl(root / "pages.jsonl", 3)), **keys}
    env = {"PYTHONPATH": str(TEMPLATE), "PATH": "/usr/bin:/bin", "HOME": str(root), "HF_ENDPOINT": endpoint}
    env |= {"HF_TOKEN": token} if token else {}
    flags = ("--profile", str(write_profile(root, profile)), "--cache", str(root / "cache"))
    command = [sys.executable, "-m", "temporal_sae.fetch", *flags]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def url(hub: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{hub.server_address[1]}"


def test_a_model_comes_at_one_commit_with_its_hash_and_without_programs(hub: Any, tmp_path: Path) -> None:
    done = fetched(tmp_path, url(hub))
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "cache/models").glob("org--open@main")
    origin = json.loads((folder / "fetched.json").read_text())
    assert (origin["repository"], origin["commit"]) == ("org/open", COMMIT)
    assert (folder / "weights.sha256").read_text().strip() == origin["sha256"]
    assert (folder / "model.safetensors").read_bytes() == (Hub.folder / "model.safetensors").read_bytes()
    assert not list(folder.glob("*.bin"))
    assert model_digest(Hub.folder) == model_digest(save_model(tmp_path / "again", "pythia"))
    count = len(Hub.seen)
    assert "is there" in fetched(tmp_path, url(hub)).stdout
    assert len(Hub.seen) == count


def test_a_gated_model_comes_with_the_users_token_alone(hub: Any, tmp_path: Path) -> None:
    for token in (None, "hf_of_somebody_else"):
        done = fetched(tmp_path, url(hub), token, model="org/gated")
        assert done.returncode == 2
        assert "access is gated; accept its terms there, and set HF_TOKEN" in done.stderr.splitlines()[-1]
        assert token is None or token not in done.stderr
    assert fetched(tmp_path, url(hub), TOKEN, model="org/gated").returncode == 0
    assert (tmp_path / "cache/models/org--gated@main/model.safetensors").is_file()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model": "org/absent"}, "no such model, or a private one"),
        ({"revision": "v9"}, "it has no revision v9"),
        ({"model": "smollm"}, "model 'smollm': no folder, no organisation/name on a hub"),
    ],
)
def test_what_does_not_exist_is_one_clear_line(hub: Any, tmp_path: Path, keys: dict[str, str], message: str) -> None:
    done = fetched(tmp_path, url(hub), **keys)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_network_one_line_says_what_to_do(tmp_path: Path) -> None:
    done = fetched(tmp_path, "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "the hub can't be reached" in done.stderr
    assert "local folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_text_that_is_not_there_is_named(tmp_path: Path) -> None:
    model = str(save_model(tmp_path / "model"))
    done = fetched(tmp_path, "http://127.0.0.1:9", model=model, text=str(tmp_path / "gone.jsonl"))
    assert done.returncode == 2
    assert "gone.jsonl': no .jsonl file" in done.stderr
