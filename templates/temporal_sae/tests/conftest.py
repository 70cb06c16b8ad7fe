"""Small parts of random data, and runs on them made by the template's own experiment.py."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_model
from temporal_sae import encoder_host
from temporal_sae import grade as grade_module
from temporal_sae.encoding import Host
from temporal_sae.grade import Exam
from temporal_sae.job import Job

TEMPLATE = Path(__file__).resolve().parent.parent
D_IN, D_SAE, CONTEXT, SEQUENCES = 12, 24, 8, 20
PROFILE = {"name": "tiny", "seeds": 2, "d_sae": D_SAE, "steps": 12, "batch_sequences": 4, "context": CONTEXT}

Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Train, tune and dev: sparse mixtures of a few fixed directions, with mean norm sqrt(d_in)."""
    root = tmp_path_factory.mktemp("parts")
    generator = np.random.default_rng(0)
    directions = generator.normal(size=(16, D_IN))
    folders = {}
    for part in ("train", "tune", "dev"):
        codes = generator.random((SEQUENCES, CONTEXT, 16)) * (generator.random((SEQUENCES, CONTEXT, 16)) < 0.2)
        x = codes @ directions
        folders[part] = root / part
        folders[part].mkdir()
        np.save(folders[part] / "x.npy", (x * np.sqrt(D_IN) / np.linalg.norm(x, axis=-1).mean()).astype(np.float16))
    return folders


@pytest.fixture(scope="session")
def graded_part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part as the grader needs it: activations that a tiny language model has at its tokens."""
    root = tmp_path_factory.mktemp("graded")
    tokens_NT = np.random.default_rng(1).integers(2, tiny_model.WORDS, size=(SEQUENCES, CONTEXT))
    return tiny_model.write_part(root / "dev", tiny_model.save_model(root / "model"), tokens_NT)


@pytest.fixture
def joined() -> Iterator[Callable[[], socket.socket]]:
    """Start an encoder's host without a sandbox and return a socket to it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["temporal_sae.encoder_host"])
    started: list[tuple[Any, socket.socket]] = []

    def start() -> socket.socket:
        ours, theirs = socket.socketpair()
        process = context.Process(target=be_host, args=(theirs,))
        process.start()
        theirs.close()
        started.append((process, ours))
        return ours

    yield start
    for process, ours in started:
        ours.close()
        process.kill()
        process.join()


def be_host(theirs: socket.socket) -> None:
    """Serve encoders, with the socket as standard input."""
    os.dup2(theirs.detach(), 0)
    encoder_host.main()


@pytest.fixture
def exam(graded_part: Path, joined: Callable[[], socket.socket]) -> Exam:
    """What the artefacts of a run are graded with, on the tiny part."""
    return grade_module.exam(graded_part, (Host(joined()), Host(joined())))


def job_content(parts: dict[str, Path], **profile: Any) -> dict[str, Any]:
    """What the orchestrator writes into job.json."""
    data = {part: str(parts[part]) for part in ("train", "tune")}
    return {"profile": {**PROFILE, **profile}, "seeds": [3, 4], "data": data, "earlier": {}}


def write_job(run: Path, content: dict[str, Any]) -> None:
    run.mkdir(parents=True)
    (run / "job.json").write_text(json.dumps(content))


@pytest.fixture
def job(parts: dict[str, Path], tmp_path: Path) -> Job:
    """A job on the tiny data, with an empty run directory."""
    content = job_content(parts)
    return Job(tmp_path, content["profile"], (3, 4), {part: Path(at) for part, at in content["data"].items()}, {})


def python(*arguments: str, cwd: Path, sockets: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python with the template's folder on its path."""
    env = {"PYTHONPATH": str(TEMPLATE), "PATH": "/usr/bin:/bin", "HOME": str(cwd), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**env, "GROUNDWORK_BESIDE": ",".join(map(str, sockets))},
        pass_fds=sockets,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def finished_run(parts: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory as the unedited experiment.py leaves it."""
    run = tmp_path_factory.mktemp("idea") / "run_0"
    write_job(run, job_content(parts))
    done = python(str(TEMPLATE / "experiment.py"), "--out_dir=run_0", cwd=run.parent)
    assert done.returncode == 0, done.stderr
    return run
